"""Jobs of workflows: the Action's way through the API, with real tokens, and sudden deaths."""

import time
import uuid
from dataclasses import dataclass, field
from random import Random
from typing import Any

import psycopg
import requests
from psycopg import sql

from chaos.developers import Deeds, live_branches, pick_repository
from chaos.ledger import Place, Written
from chaos.site import APPS, Site
from demo import interruption
from demo.github.model import Repository, WorkflowRun

_PATIENCE_SECONDS = 20.0
# Once the time is over, for what is under way.
_LAST_SECONDS = 5.0
_MAKE_TABLE = (
    "CREATE TABLE IF NOT EXISTS public.chaos"
    " (token text PRIMARY KEY, app text, environment text, branch text, run bigint)"
)
_WRITE = """
    INSERT INTO public.chaos VALUES (%s, %s, %s, %s, %s)
    RETURNING (SELECT oid::bigint FROM pg_catalog.pg_database WHERE datname = current_database()),
        (SELECT pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database
        WHERE datname = current_database())
"""


FATES = ("well", "fails", "before", "inside", "unreported", "defends")
"""How a job ends; all but the first two die, the last one inside and not without a fight."""


class Over(Exception):
    """The job ends here; the text says why, for the counts."""


@dataclass(kw_only=True)
class Job:
    """One job that runs the Action."""

    site: Site
    app: str
    branch: str
    repository: Repository
    run: WorkflowRun
    fate: str
    """One of FATES."""
    environments: list[str]
    """Which databases it asks for; empty: all that its revision reaches."""
    step: str = field(default_factory=lambda: uuid.uuid4().hex)
    id: int = 0
    """The service's number of the run."""

    def place(self, environment: str) -> Place:
        """Which database it means, by what GitHub says about the run."""
        branch = self.branch if environment == "branch" else ""
        return Place(app=self.app, environment=environment, branch=branch)

    def call(self, path: str, body: dict[str, Any]) -> requests.Response:
        """A request of the Action, repeated while the service does not answer it."""
        deadline = _deadline(self.site)
        while True:
            token = self.site.github.token_for(self.run, audience=self.site.url)
            headers = {"Authorization": f"Bearer {token}", "User-Agent": "coppice-action"}
            try:
                answer = requests.post(self.site.url + path, json=body, headers=headers, timeout=20)
                self.site.judge("POST", path, answer)
                if answer.status_code < 500:
                    return answer
            except requests.RequestException:
                pass
            if time.monotonic() > deadline:
                raise Over("no answer")
            interruption.pause(0.5)


def migrate(site: Site, draw: Random) -> None:
    """A push's workflow: begin, and migrate every database that the revision reaches."""
    app, repository = pick_repository(site, draw)
    with site.gate:
        branches = [*live_branches(repository), repository.default_branch]
        branch = draw.choice(branches)
        run = site.github.start_run(repository, branch=branch)
    is_default = branch == repository.default_branch
    # Whoever dies holds his database for a minute: seldom the one that everybody shares.
    fate = draw.choices(FATES, (20, 3, *([0.2] * 4 if is_default else [1.2] * 4)))[0]
    is_narrow = not is_default and (fate in FATES[2:] or draw.random() < 0.4)
    job = Job(
        site=site,
        app=app,
        branch=branch,
        repository=repository,
        run=run,
        fate=fate,
        environments=["branch"] if is_narrow else [],
    )
    try:
        for environment in _begin(job):
            while _migrate_one(job, environment):
                pass
        how = "ended well"
    except Over as over:
        how = str(over)
    site.ledger.note(f"run: {how}", place=Place(app=app, environment="run", branch=branch))
    if not how.startswith("died") or draw.random() < 0.5:
        site.github.complete_run(run, "success" if how == "ended well" else "failure")


def _deadline(site: Site) -> float:
    return min(time.monotonic() + _PATIENCE_SECONDS, site.until + _LAST_SECONDS)


def _begin(job: Job) -> list[str]:
    answer = job.call(
        "/api/v1/runs",
        {
            "app": job.app,
            "environments": job.environments,
            "migration_command": "true",
            "job": "migrate",
            "step": job.step,
        },
    )
    if answer.status_code != 200:
        raise Over(f"not begun, {answer.status_code} {answer.json().get('error')}")
    told = answer.json()
    if told["result"] != "run":
        raise Over(f"skipped, {told['reason']}")
    job.id = told["run"]
    return [each["environment"] for each in told["databases"]]


def _migrate_one(job: Job, environment: str) -> bool:
    """Whether the service wants it done once more."""
    variables = _turn(job, environment)
    if variables is None:
        return False
    if job.fate == "before":
        raise Over("died with credentials")
    is_written = _write(job, environment, variables)
    if job.fate == "unreported":
        raise Over("died without a report")
    return _report(job, environment, is_good=is_written and job.fate == "well")


def _turn(job: Job, environment: str) -> dict[str, str] | None:
    """Ask until the database is ours; None when there is nothing to do on it."""
    deadline = _deadline(job.site)
    while True:
        answer = job.call(f"/api/v1/runs/{job.id}/databases/{environment}", {})
        told = answer.json()
        if answer.status_code == 200 and told["result"] == "go":
            variables: dict[str, str] = told["variables"]
            job.site.ledger.handed_out(variables)
            return variables
        if answer.status_code == 200:
            return None
        if answer.status_code != 409:
            raise Over(f"refused, {answer.status_code} {told.get('error')}")
        if time.monotonic() > deadline:
            raise Over(f"waited in vain, {told.get('error')}")
        interruption.pause(min(float(told.get("retry_after") or 1), 2))


def _write(job: Job, environment: str, variables: dict[str, str]) -> bool:
    """Write one row that tells whose it is; False when PostgreSQL did not confirm it."""
    place, token = job.place(environment), uuid.uuid4().hex
    values = [token, place.app, place.environment, place.branch, job.id]
    try:
        session = connect(variables)
        session.execute(_MAKE_TABLE)
        if job.fate in ("inside", "defends"):
            session.execute("BEGIN")
            session.execute(_WRITE, values)
            job.site.strangers.append(session)
            if job.fate == "defends":
                _defend(job, session, variables)
            raise Over("died in a transaction")
        row = session.execute(_WRITE, values).fetchone()
        if job.fate == "unreported":
            job.site.strangers.append(session)
        else:
            session.close()
    except psycopg.Error:
        return False
    assert row is not None
    job.site.ledger.wrote(
        Written(
            token=token,
            place=place,
            instance=APPS[job.app],
            oid=row[0],
            database=variables["PGDATABASE"],
            marker=row[1],
            run=job.id,
            at=time.time(),
        )
    )
    return True


def _defend(job: Job, session: psycopg.Connection[Any], variables: dict[str, str]) -> None:
    """Lock what its ending has to change, and plant a password for the long-lived login."""
    planted = {**variables, "PGPASSWORD": uuid.uuid4().hex}
    plant = sql.SQL("ALTER ROLE CURRENT_USER PASSWORD {}")
    with connect(variables) as other:
        other.execute(plant.format(sql.Literal(planted["PGPASSWORD"])))
        row = other.execute("SELECT current_user::text").fetchone()
    planted["PGUSER"] = row[0] if row else ""
    job.site.ledger.handed_out(planted)
    session.execute("SET LOCAL ROLE NONE")
    session.execute(plant.format(sql.Literal(uuid.uuid4().hex)))
    raise Over("died defending itself")


def connect(variables: dict[str, str]) -> psycopg.Connection[Any]:
    """A session with what the service handed out."""
    return psycopg.connect(
        host=variables["PGHOST"],
        port=variables["PGPORT"],
        dbname=variables["PGDATABASE"],
        user=variables["PGUSER"],
        password=variables["PGPASSWORD"],
        sslmode=variables["PGSSLMODE"],
        connect_timeout=10,
        autocommit=True,
    )


def _report(job: Job, environment: str, *, is_good: bool) -> bool:
    body = {
        "result": "success" if is_good else "failure",
        "exit_code": 0 if is_good else 1,
        "duration_seconds": 0.1,
        "log": "written" if is_good else "not written",
    }
    since = time.time()
    path = f"/api/v1/runs/{job.id}/databases/{environment}"
    job.call(f"{path}/renew", {})
    if not is_good and environment == "preview" and job.branch == job.repository.default_branch:
        # Leads to an empty preview, whether the answer comes or not.
        job.site.ledger.note(
            "preview failed", place=job.place(environment), since=since, is_open=True
        )
    answer = job.call(f"{path}/result", body)
    if answer.status_code != 200:
        raise Over(f"report refused, {answer.status_code} {answer.json().get('error')}")
    told = answer.json()
    if told["fails"]:
        raise Over("failed")
    job.fate = "well"
    return bool(told["next"] == "again")


DEEDS: Deeds = {"migrate": (1, migrate)}

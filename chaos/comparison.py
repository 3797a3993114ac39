"""What has to hold once everything rests; each function yields what does not, in a sentence."""

import json
import time
from collections.abc import Callable, Iterator

import psycopg
import requests

from app.core.databases import marker_parts
from chaos import people
from chaos.catalogs import Catalog, Found, Row, place_of
from chaos.developers import branch_place, live_branches
from chaos.inside import connect
from chaos.ledger import Place
from chaos.site import Site, is_ready

Violations = Iterator[str]


def github_and_rows(site: Site, found: Found) -> Violations:
    """What lives at GitHub has a ready database, and nothing else has one."""
    live = found.live()
    for place in _wanted(site):
        row = live.get(place)
        if row is not None and row["state"] == "ready":
            continue
        is_resting = (place.app, place.branch) in found.dormant
        if row is not None:
            is_resting = is_resting or row["closed_because"] == "by-hand"
        if is_resting and _was_told_to_rest(site, place):
            continue
        state = f"{row['state']}: {row['reason']}" if row else "missing"
        yield f"{place} lives at GitHub and its database is {state}"
    for app, repository in site.repositories.items():
        branches = set(live_branches(repository))
        for place, row in live.items():
            is_left = place.environment == "branch" and place.branch not in branches
            if place.app == app and is_left and row["state"] != "deleted":
                yield f"{place} is not at GitHub and its database is {row['state']}"


def _wanted(site: Site) -> Iterator[Place]:
    for app, repository in site.repositories.items():
        for environment in ("production", "preview"):
            yield Place(app=app, environment=environment)
        for branch in live_branches(repository):
            yield branch_place(app, branch)


def _was_told_to_rest(site: Site, place: Place) -> bool:
    """A person deleted it, or it came while the app was not assigned, and nobody pushed since."""
    mine = [deed for deed in site.ledger.deeds if deed.place == place]
    kinds = ("push", "branch again", "branch renamed", "force push")
    pushed = max((deed.at for deed in mine if deed.kind.startswith(kinds)), default=0.0)
    by_hand = [deed for deed in mine if deed.kind.startswith(("delete:", "drop:"))]
    gaps = [
        deed for deed in site.ledger.deeds if deed.kind.startswith(("unassign", "App taken away"))
    ]
    return any(deed.until >= pushed for deed in by_hand) or bool(gaps)


def rows_and_catalogs(site: Site, found: Found) -> Violations:
    """Each row has its database with its marker, and each database its row."""
    for instance, catalog in found.catalogs.items():
        rows = found.standing(instance)
        for name in sorted(set(catalog.databases) - set(rows)):
            yield f"{name} stands on {instance} and has no row"
        for name, row in rows.items():
            if row["state"] in ("ready", "deleted"):
                yield from _one_database(catalog, name, row)


def _one_database(catalog: Catalog, name: str, row: Row) -> Violations:
    there, is_ready = catalog.databases.get(name), row["state"] == "ready"
    where = f"{name} (row {row['id']}, {row['state']})"
    if there is None:
        if row["is_made"]:  # else it was closed before it was made, or made anew
            yield f"{where} has a row and is not on {catalog.instance}"
        return
    if there["owner"] != row["owner_role"]:
        yield f"{where} belongs to {there['owner']} instead of {row['owner_role']}"
    is_unfinished = there["comment"] is None and not row["is_made"]
    if not is_unfinished and not _is_of(
        str(row["marker"]), there["comment"] or "", is_ready=is_ready
    ):
        yield f"{where} carries another marker than its row"
    login = catalog.roles.get(str(row["login_role"]))
    if there["is_open"] is not is_ready:
        yield f"{where} is {'open' if there['is_open'] else 'closed'} on {catalog.instance}"
    if login is None:
        yield f"{where} has no login {row['login_role']}"
    elif login["can_log_in"] is not is_ready:
        yield f"the login of {where} {'can' if login['can_log_in'] else 'cannot'} log in"


def _is_of(marker: str, found: str, *, is_ready: bool) -> bool:
    """Whether it is the row's; what was closed before a Reset came to it is of an earlier one."""
    (token, generation), (ours, present) = marker_parts(marker), marker_parts(found)
    return ours == token and (present == generation or (present < generation and not is_ready))


def roles(site: Site, found: Found) -> Violations:
    """Each role of ours belongs to a row; each job's login has ended."""
    for instance, catalog in found.catalogs.items():
        rows = found.standing(instance).values()
        known = {row[kind] for row in rows for kind in ("owner_role", "login_role", "data_role")}
        for name, role in catalog.roles.items():
            if "-j-" in name and role["can_log_in"]:
                yield f"the job's login {name} on {instance} can still log in"
            elif "-j-" not in name and name not in known:
                yield f"the role {name} on {instance} belongs to no database"
    for login in found.job_logins:
        if login["ended_at"] is None:
            yield f"the job's login {login['role']} has not ended in the state database"


def sessions(site: Site, found: Found) -> Violations:
    """Nobody is inside who may not be."""
    for instance, catalog in found.catalogs.items():
        for one in catalog.sessions:
            yield f"{one['role']} is inside {one['database']} on {instance} since {one['since']}"
    for login in site.ledger.logins:
        try:
            connect(login.variables).close()
        except psycopg.Error:
            continue
        user, database = login.variables["PGUSER"], login.variables["PGDATABASE"]
        yield f"{user} still logs in to {database} with the password that its job was given"


def way_in(site: Site, found: Found) -> Violations:
    """Whoever asks for credentials of a ready database gets in, and gets into that one."""
    for row in found.rows:
        if row["state"] == "ready":
            what = f"the credentials of {place_of(row)} (row {row['id']})"
            try:
                answer = site.ask("POST", f"/api/v1/databases/{row['id']}/credentials", {})
                if answer.status_code != 200:
                    yield f"{what} were answered {answer.status_code}: {answer.text[:200]}"
                    continue
                variables = answer.json()["variables"]
                site.ledger.secret(variables["PGPASSWORD"], what)
                with connect(variables) as session:
                    name = session.execute("SELECT current_database()::text").fetchone()
                if name != (row["name"],):
                    yield f"{what} lead to {name}"
            except (requests.RequestException, psycopg.Error) as error:
                yield f"{what} let nobody in: {error}"


def queue(site: Site, found: Found) -> Violations:
    """No job is left, and none was given up but for what GitHub truly had not."""
    was_away = any(deed.kind.startswith("App taken away") for deed in site.ledger.deeds)
    for job in found.jobs:
        if job["status"] == "doing" and job["args"].get("timestamp", 0) > time.time() - 60:
            continue  # the clock has just begun it
        if job["status"] in ("doing", "failed", "aborted"):
            what = f"{job['task_name']}[{job['id']}]"
            words = _last_words(site, what)
            if not (was_away and "GitHubHasNot" in words):
                yield f"job {what} {job['args']} is {job['status']}: {words}"


def _last_words(site: Site, job: str) -> str:
    """Why a job failed, by the workers' logs."""
    words = "its end stands in no log"
    for worker in site.workers:
        for line in worker.log.read_text(errors="replace").splitlines():
            if f"Job {job}" in line and '"exception"' in line:
                words = json.loads(line)["exception"].strip().splitlines()[-1]
    return words


def health(site: Site, found: Found) -> Violations:
    """The service says that it is well, and no process of it ended by itself."""
    if not is_ready(site):
        yield "/readyz does not answer 200"
    finished = site.coppice("doctor", "--json")
    for line in json.loads(finished.stdout or "[]"):
        if line["state"] == "broken":
            yield f"doctor: {line['what']}: {line['finding']}"
    if finished.returncode != 0 or not finished.stdout:
        yield f"doctor ended with {finished.returncode}: {finished.stderr[-500:]}"
    for program in site.programs:
        yield from program.surprises
    for violation in site.github.violations:
        yield f"GitHub would not take a request: {violation}"


def secrets(site: Site, found: Found) -> Violations:
    """No secret stands in a log."""
    for server in site.servers:
        server.keep_log(site.logs)
    texts = {file.name: file.read_text(errors="replace") for file in site.logs.glob("*.log")}
    with site.github.context.state.lock:
        tokens = dict.fromkeys(site.github.context.state.tokens, "an installation token")
    for secret, what in {**site.ledger.secrets, **tokens}.items():
        for name, text in texts.items():
            if secret in text:
                yield f"{what} stands in {name}"


def push_everywhere(site: Site) -> None:
    """After that there is a database for each branch, whatever was before."""
    for app, repository in site.repositories.items():
        for branch in live_branches(repository):
            site.github.push(repository, branch)
            site.ledger.note("last push", place=branch_place(app, branch))


def lacking(site: Site) -> Violations:
    """Branches without a ready database although somebody pushed after all troubles."""
    ready = {people.place_of(one) for one in people.databases(site) if one["state"] == "ready"}
    for place in _wanted(site):
        if place not in ready:
            yield f"{place} has no ready database after a push when all was well"


CHECKS: tuple[Callable[[Site, Found], Violations], ...] = (
    github_and_rows,
    rows_and_catalogs,
    roles,
    sessions,
    way_in,
    queue,
    health,
    secrets,
)

"""Apps: the list, and one with its environments, pull requests, runs and plots."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.assignments import TracePolicy
from app.core.databases import Database, DatabaseState
from app.core.decisions import shared_environments
from app.core.environments import Environment
from app.core.errors import Conflict, CoppiceError, Invalid, NotFound
from app.core.hosts import silent_host, unreachable
from app.core.identifiers import AppId, BranchName, RunId
from app.core.pages import new_file_page
from app.core.people import Change, Manage, See
from app.core.reach import obstacle
from app.core.reasons import is_provisioned
from app.core.repositories import PullRequest
from app.core.runs import PastRun
from app.operations import access, typed
from app.operations.administration import databases as administration
from app.operations.administration import local_work
from app.operations.administration.limits import described
from app.operations.administration.workflow_files import beside_others, workflow_of
from app.operations.apps import Assigned, KnownApp, id_to_say
from app.operations.databases import elsewhere, templates
from app.operations.pull_requests.heads import Head, open_heads
from app.operations.services import Services
from app.web.dashboard import fields, notices, plots, rule_facts, tables
from app.web.dashboard.notices import done
from app.web.dashboard.runs import why_no_rerun
from app.web.identity import acting

pages = Blueprint("apps", __name__)

RUNS_SHOWN = 20
_CREATED_FROM = {DatabaseState.READY: "create-ready", DatabaseState.DELETED: "create-restore"}
"""What is said where Create found a database; without one it is made."""
_CREATED = {one.value for one in Environment} - {Environment.SHADOW, Environment.TEMPLATE}


@pages.get("/apps")
def index() -> ResponseReturnValue:
    services = acting()
    return render_template(
        "apps.html",
        apps=lines(services, access.apps(services)),
        run={one.id for one in access.instances_run(services)},
    )


@pages.get("/apps/<app_id>")
def show(app_id: str, error: CoppiceError | None = None) -> ResponseReturnValue:
    services = acting()
    found = access.known_app(services, AppId(app_id), See).subject
    every = services.store.databases.all(app_id=found.app.id)
    databases = [one for one in every if not one.is_set_aside]
    can = tables.abilities(services, found.app, found.repository)
    rows = tables.rows(
        services,
        databases,
        abilities={found.app.id: can},
        assignments=[found.assignment] if found.assignment else [],
    )
    before = fields.cursor("before")
    runs = services.store.history.of_app(
        found.app.id, limit=RUNS_SHOWN + 1, before=RunId(before) if before else None
    )
    heads = open_heads(services.store, found.repository, databases)
    is_running = any(each.finished_at is None for past in runs[:5] for each in past.migrations)
    silent = elsewhere.silent(services.store, found.instance) if found.instance else None
    server = services.store.measurements.of_instance(found.instance.id) if found.instance else None
    is_busy = (
        tables.is_busy(services, databases)
        or is_running
        or (found.assignment is not None and not databases)
    )
    changed = next((one for one in databases if one.id == notices.subject()), None)
    dev = next((row for row in rows if _is_dev(row.database)), None)
    said = id_to_say(services.store, found.app)
    has_command = bool(found.assignment and found.assignment.migration_command)
    last_command = "" if has_command else local_work.last_command(services.store, found.app.id)
    page = render_template(
        "app.html",
        error=error,
        found=found,
        can=can,
        limits=described(services.store.limits.of(found.instance.id)) if found.instance else None,
        rules=rule_facts.unusual(found.assignment.policies) if found.assignment else (),
        template=templates.current_of(services.store, found.assignment),
        offers_trace=_has_no_trace(found) and can.may(Manage),
        is_steward=found.instance in access.instances_run(services),
        environments=[row for row in rows if row.database.environment is not Environment.BRANCH],
        branches=[row for row in rows if row.database.environment is Environment.BRANCH],
        pulls=_by_branch(heads),
        lonely_pulls=[one.pull_request for one in heads if one.database is None],
        missing=environments(found, databases),
        gets_database=partial(may_have_one, found),
        runs=runs[:RUNS_SHOWN],
        older=runs[RUNS_SHOWN - 1].run.id if len(runs) > RUNS_SHOWN else None,
        names={one.id: one for one in every},
        is_busy=is_busy,
        notice=_notice(databases, changed, is_busy=is_busy),
        to_rerun=_to_rerun(can, changed, runs) if request.args.get("done") == "reset" else None,
        drawing=plots.drawing(services, found.app.id, databases, request.args.get("plot", "")),
        dev=dev,
        **_workflow(services, found),
        obstacle=obstacle(found.instance) if found.instance else None,
        env_command=typed.env(found.repository.full_name, app_id=said),
        migrate_command=typed.migrate(
            found.repository.full_name,
            app_id=said,
            has_command=has_command,
            last_command=last_command,
        ),
        placeholder="" if has_command or typed.is_typable(last_command) else typed.COMMAND,
        beside_others=beside_others(services.store, found.app),
        unreachable=unreachable(silent) if silent else None,
        away_since=server.measured_at if server and server.failure else None,
    )
    return page, fields.status_of(error)


@pages.post("/apps/<app_id>/databases")
def create(app_id: str) -> ResponseReturnValue:
    """Have the database of an environment or a branch made."""
    services = acting()
    assigned = access.app(services, AppId(app_id), See).subject
    try:
        where = access.location(
            services,
            assigned,
            Change,
            branch=fields.text("branch") or None,
            environment=_environment(),
        )
        database = administration.create(services, where)
    except (Conflict, Invalid, NotFound) as error:
        return show(app_id, error)
    is_dev = where.subject.environment is Environment.DEV
    anchor = "local" if is_dev else f"database-{database.id}"
    what = _CREATED_FROM.get(database.state, "create")
    return done(url_for(".show", app_id=app_id, _anchor=anchor), what, of=database.id)


def _has_no_trace(found: KnownApp) -> bool:
    return found.assignment is not None and found.assignment.policies.trace is TracePolicy.OFF


def _notice(
    databases: Sequence[Database], changed: Database | None, *, is_busy: bool
) -> notices.Notice | None:
    if changed is not None:
        return notices.of_database(changed, is_awaited=is_busy)
    has_failed = any(one.state is DatabaseState.ERROR for one in databases)
    return notices.of_assignment(is_busy=is_busy, has_failed=has_failed)


def _to_rerun(
    can: tables.Abilities, changed: Database | None, runs: Sequence[PastRun]
) -> RunId | None:
    """The last run that migrated a database that was emptied, if the reader may start it again."""
    for past in runs:
        is_of_it = (
            any(one.database_id == changed.id for one in past.migrations) if changed else False
        )
        if is_of_it and past.run.migrates:
            return None if why_no_rerun(can, past.run) else past.run.id
    return None


def _workflow(services: Services, found: KnownApp) -> dict[str, Any]:
    """The workflow file of the app, and where at GitHub it is made; nothing if not assigned."""
    if not isinstance(found, Assigned):
        return {"workflow": None, "new_file": ""}
    file = workflow_of(services, found)
    return {
        "workflow": file,
        "new_file": new_file_page(services.github_url, found.repository, file),
    }


def _environment() -> str | None:
    given = fields.text("environment")
    if given and given not in _CREATED:
        raise Invalid("There is no such environment.", advice="Load the page again.")
    return given or None


def _by_branch(heads: Sequence[Head]) -> Mapping[BranchName, Sequence[PullRequest]]:
    found: dict[BranchName, list[PullRequest]] = defaultdict(list)
    for head in heads:
        if head.database is not None:
            found[head.pull_request.head_branch].append(head.pull_request)
    return found


def _is_dev(database: Database) -> bool:
    return (
        database.environment is Environment.DEV
        and database.is_live
        and database.state is not DatabaseState.DELETED
    )


def environments(found: KnownApp, databases: Sequence[Database]) -> list[Environment]:
    """Of those that every app has, the ones without a database of this app's."""
    if found.assignment is None:
        return []
    there = {one.environment for one in databases if one.is_live}
    return [one for one in shared_environments(found.assignment) if one not in there]


def may_have_one(found: KnownApp, branch: BranchName) -> bool:
    """Whether a branch of the repository itself gets a database."""
    return found.assignment is not None and is_provisioned(
        branch,
        default_branch=found.repository.default_branch,
        ignore_patterns=found.assignment.policies.ignore_patterns,
    )


# What needs a person stands first.
_ORDER = (
    DatabaseState.ERROR,
    DatabaseState.CREATING,
    DatabaseState.READY,
    DatabaseState.DELETED,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """An app."""

    assigned: Assigned
    counts: tuple[tuple[DatabaseState, int], ...]
    """Of the states that its databases are in."""
    is_away: bool
    """Its server did not answer when it was last asked, or its machine is silent."""

    @property
    def needs_somebody(self) -> bool:
        return self.is_away or any(state is DatabaseState.ERROR for state, _ in self.counts)


def lines(services: Services, apps: Sequence[Assigned]) -> list[Line]:
    """Those with errors first, each in the order that was given; read together."""
    states = services.store.apps.database_states([one.app.id for one in apps])
    servers = services.store.measurements.of_instances({one.instance.id for one in apps})
    hosts = services.store.hosts.known()
    silent = {
        one.instance.id
        for one in apps
        if silent_host(one.instance, hosts, here=services.store.hosts.here) is not None
    }
    away = silent | {instance_id for instance_id, one in servers.items() if one.failure is not None}
    found = []
    for one in apps:
        counted = states.get(one.app.id, {})
        found.append(
            Line(
                assigned=one,
                counts=tuple((state, counted[state]) for state in _ORDER if state in counted),
                is_away=one.instance.id in away,
            )
        )
    return sorted(found, key=lambda line: not line.needs_somebody)

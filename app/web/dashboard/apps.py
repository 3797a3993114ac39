"""Apps: the list, and one with its environments, pull requests, runs and plots."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.assignments import App, Assignment
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import NotFound
from app.core.identifiers import AppId, BranchName, RunId
from app.core.instances import Instance
from app.core.people import Act, Wanted
from app.core.repositories import PullRequest, Repository
from app.operations.administration import database_requests
from app.operations.administration.databases import Place
from app.operations.services import Services
from app.web import sight
from app.web.dashboard import fields, plots, tables
from app.web.dashboard.notices import done
from app.web.identity import acting, require

pages = Blueprint("apps", __name__)

RUNS_SHOWN = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """An app, assigned or not, of which the reader may know."""

    app: App
    repository: Repository
    assignment: Assignment | None
    instance: Instance | None


@pages.get("/apps")
def index() -> ResponseReturnValue:
    services = acting()
    databases: dict[AppId, list[Database]] = defaultdict(list)
    for one in services.databases.all():
        databases[one.app_id].append(one)
    return render_template(
        "apps.html",
        apps=sight.apps(services),
        databases=databases,
        run={one.id for one in sight.instances_run(services)},
    )


@pages.get("/apps/<app_id>")
def show(app_id: str) -> ResponseReturnValue:
    services = acting()
    found = find(services, app_id)
    databases = services.databases.all(app_id=found.app.id)
    can = tables.abilities(services, found.app, found.repository)
    rows = tables.rows(
        services,
        databases,
        abilities={found.app.id: can},
        repositories={found.app.id: found.repository},
    )
    before = fields.cursor("before")
    runs = services.history.of_app(
        found.app.id, limit=RUNS_SHOWN + 1, before=RunId(before) if before else None
    )
    pulls = _pulls(services, found.repository)
    is_running = any(each.finished_at is None for past in runs[:5] for each in past.migrations)
    server = services.measurements.of_instance(found.instance.id) if found.instance else None
    is_new = found.assignment is not None and not databases
    dev = next((row for row in rows if _is_dev(row.database)), None)
    return render_template(
        "app.html",
        found=found,
        can=can,
        is_steward=found.instance in sight.instances_run(services),
        environments=[row for row in rows if row.database.environment is not Environment.BRANCH],
        branches=[row for row in rows if row.database.environment is Environment.BRANCH],
        pulls=pulls,
        lonely_pulls=_without_database(pulls, databases),
        runs=runs[:RUNS_SHOWN],
        older=runs[RUNS_SHOWN - 1].run.id if len(runs) > RUNS_SHOWN else None,
        names={one.id: one for one in databases},
        is_busy=tables.is_busy(services, databases) or is_running or is_new,
        drawing=plots.drawing(services, found.app.id, databases, request.args.get("plot", "")),
        dev=dev,
        away_since=server.measured_at if server and server.failure else None,
    )


@pages.post("/apps/<app_id>/dev")
def make_dev(app_id: str) -> ResponseReturnValue:
    """Have the database for local work made."""
    services = acting()
    assigned = sight.app(services, app_id)
    where = Place(environment=Environment.DEV)
    sight.place(services, assigned.repository, assigned.assignment.app.id, where, Act.CHANGE)
    database_requests.create(services, assigned, where)
    return done(url_for(".show", app_id=app_id, _anchor="local"), "create")


def find(services: Services, app_id: str, act: Act = Act.SEE) -> Found:
    """The app, also when it is not assigned any more. Raises NotFound, Forbidden."""
    app = services.apps.get(AppId(app_id))
    repository = services.repositories.get(app.repository_id) if app else None
    missing = NotFound(f"There is no app {app_id}.", advice="Apps shows those that you may see.")
    if app is None or repository is None:
        raise missing
    try:
        require(services, repository, Wanted(act=act, app_id=app.id))
    except NotFound:
        raise missing from None
    assignment = services.apps.assignment(app.id)
    instance = services.instances.get(assignment.instance_id) if assignment else None
    return Found(app=app, repository=repository, assignment=assignment, instance=instance)


def _pulls(
    services: Services, repository: Repository
) -> Mapping[BranchName | None, Sequence[PullRequest]]:
    """Open pull requests by the branch of this repository that they come from; None: a fork."""
    found: dict[BranchName | None, list[PullRequest]] = defaultdict(list)
    for pull in services.repositories.open_pull_requests(repository.id):
        found[None if pull.is_from_fork else pull.head_branch].append(pull)
    return found


def _without_database(
    pulls: Mapping[BranchName | None, Sequence[PullRequest]], databases: Sequence[Database]
) -> list[PullRequest]:
    branches = {one.branch for one in databases if one.branch is not None and one.is_live}
    return [pull for branch, each in pulls.items() if branch not in branches for pull in each]


def _is_dev(database: Database) -> bool:
    return (
        database.environment is Environment.DEV
        and database.is_live
        and database.state is not DatabaseState.DELETED
    )

"""What the actor may see: everything else is answered as if it did not exist."""

from collections.abc import Sequence
from dataclasses import replace

from flask import current_app

from app.core.assignments import App
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import Forbidden, NotFound
from app.core.identifiers import AppId, DatabaseId
from app.core.instances import Instance
from app.core.people import Act, Wanted, asks_protection, refusal
from app.core.repositories import Repository
from app.core.runs import Run
from app.operations.administration import assignments
from app.operations.administration.assigned import Assigned, all_described, described
from app.operations.administration.databases import Location
from app.operations.administration.same_server import run_by_actor
from app.operations.services import Services
from app.web.identity import Permissions, require, require_steward
from app.web.known_apps import no_app


def app(services: Services, app_id: str, act: Act = Act.SEE) -> Assigned:
    """The assigned app, if the actor may do this with it. Raises NotFound, Forbidden."""
    assignment = services.store.apps.assignment(AppId(app_id))
    if assignment is None:
        raise no_app(AppId(app_id))
    assigned = described(services.store, assignment)
    _require(services, assigned.repository, Wanted(act=act, app_id=assignment.app.id))
    return assigned


def place(
    services: Services, repository: Repository, app_id: AppId, where: Location, act: Act
) -> None:
    """Raise Forbidden unless the actor may do this where a database is or will be."""
    wanted = Wanted(act=act, app_id=app_id, environment=where.environment)
    try:
        _require_at(services, repository, wanted, where)
    except NotFound:
        raise no_app(AppId(str(wanted.app_id))) from None


def run(services: Services, repository: Repository, past: Run, act: Act) -> None:
    """Raise Forbidden unless the actor may do this with every database that the run reaches."""
    for environment in past.environments:
        branch = past.branch if environment is Environment.BRANCH else None
        where = Location(environment=environment, branch=branch)
        place(services, repository, past.app_id, where, act)


def database(services: Services, database_id: int, act: Act = Act.SEE) -> Database:
    """The database, if the actor may do this with it; its app need not be assigned any more.

    Raises NotFound, Forbidden.
    """
    missing = NotFound(
        f"There is no database {database_id}.",
        advice="The list of databases shows those that you may see (`coppice databases list`).",
    )
    try:
        found = services.store.databases.get(DatabaseId(database_id))
    except NotFound:
        raise missing from None
    repository = _repository_of(services, services.store.apps.get(found.app_id))
    if repository is None or found.state is DatabaseState.GONE:
        raise missing
    where = Location(environment=found.environment, branch=found.branch)
    wanted = Wanted(act=act, app_id=found.app_id, environment=found.environment)
    try:
        _require_at(services, repository, wanted, where)
    except NotFound:
        raise missing from None
    return found


def apps(services: Services) -> list[Assigned]:
    """The assigned apps that the actor may see, the oldest first."""
    found = all_described(services.store, services.store.apps.assignments())
    return [one for one in found if _sees(services, one)]


def instances(services: Services) -> list[Instance]:
    """Those that the actor may see: of their apps, and their own; operators see all."""
    own = instances_run(services)
    if services.actor.is_operator and services.actor.only_app is None:
        return own
    ids = {one.id for one in own} | {one.instance.id for one in apps(services)}
    return [instance for instance in services.store.instances.all() if instance.id in ids]


def instances_run(services: Services) -> list[Instance]:
    """Those that the actor runs: operators all, everybody else those that they claimed."""
    return run_by_actor(services)


def stewarded(services: Services, name: str) -> Instance:
    """The instance, if the actor runs it: operators, and who claimed it. Raises Forbidden.

    Raises NotFound when they may not even see it.
    """
    found = instance(services, name)
    require_steward(services, found)
    return found


def instance(services: Services, name: str) -> Instance:
    """The instance, if the actor may see it. Raises NotFound."""
    for found in instances(services):
        if found.name == name:
            return found
    raise NotFound(
        f"There is no instance named {name}.",
        advice="The list of instances shows those that you may see (`coppice instances list`).",
    )


def repository_to_assign(services: Services, full_name: str, app_id: str | None) -> Repository:
    """The repository as GitHub knows it, if the actor may assign it. Raises NotFound, Forbidden.

    Nobody but an operator learns whether a repository that they cannot see is there.
    """
    wanted = Wanted(act=Act.MANAGE, app_id=AppId(app_id) if app_id else None)
    missing = NotFound(
        f"There is no repository {full_name} that you can see and that has the GitHub App.",
        advice="Check the name, and install the App for it.",
    )
    known = services.store.repositories.named(full_name.replace("\0", ""))
    if known is not None and not known.is_active:
        known = None
    try:
        if known is not None:
            # First: who may not is told without asking GitHub where it is now.
            require(services, known, wanted)
        repository = _live(services, full_name, otherwise=missing)
        if known is None or known.id != repository.id:
            require(services, repository, wanted)
    except NotFound:
        raise missing from None
    return repository


def _live(services: Services, full_name: str, *, otherwise: NotFound) -> Repository:
    try:
        return assignments.live_repository(services, full_name)
    except Forbidden:
        if services.actor.is_operator:
            raise
        raise otherwise from None


def of_apps(databases: Sequence[Database], seen: Sequence[Assigned]) -> list[Database]:
    """Those of the databases that belong to these apps."""
    ids = {one.assignment.app.id for one in seen}
    return [one for one in databases if one.app_id in ids]


def may_connect(services: Services, assigned: Assigned) -> bool:
    """Whether the actor may have connection strings of the app, as far as GitHub was asked."""
    permissions: Permissions = current_app.extensions["permissions"]
    permission = permissions.of(services, assigned.repository, services.actor, is_fresh=False)
    wanted = Wanted(act=Act.CONNECT, app_id=assigned.assignment.app.id)
    return refusal(services.actor, wanted, permission=permission) is None


def _sees(services: Services, assigned: Assigned) -> bool:
    try:
        require(
            services,
            assigned.repository,
            Wanted(act=Act.SEE, app_id=assigned.assignment.app.id),
        )
    except NotFound:
        return False
    return True


def _require(services: Services, repository: Repository, wanted: Wanted) -> None:
    try:
        require(services, repository, wanted)
    except NotFound:
        raise no_app(AppId(str(wanted.app_id))) from None


def _repository_of(services: Services, app: App | None) -> Repository | None:
    return services.store.repositories.get(app.repository_id) if app else None


def _require_at(
    services: Services, repository: Repository, wanted: Wanted, where: Location
) -> None:
    """As `require`, where GitHub may protect the branch: asked for those who may otherwise."""
    require(services, repository, wanted)
    if asks_protection(wanted) and _is_protected(services, repository, where):
        require(services, repository, replace(wanted, is_protected=True))


def _is_protected(services: Services, repository: Repository, where: Location) -> bool:
    """Whether GitHub protects the branch; nobody asks for an operator, who may anyway."""
    if where.environment is not Environment.BRANCH or where.branch is None:
        return False
    if services.actor.is_operator or not repository.is_active:
        return False
    branch = services.github.branch(repository, where.branch)
    return branch is not None and branch.is_protected

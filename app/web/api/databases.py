"""The API for databases. What takes time is done by a worker: the answer is 202 and the state."""

from collections.abc import Sequence
from typing import Any

from flask_openapi3.models.tag import Tag

from app.core.audit import AuditEvent
from app.core.databases import Database, DatabaseState
from app.core.errors import CoppiceError
from app.core.identifiers import AppId, DatabaseId
from app.core.people import Change, Connect, Lose, See
from app.core.seeding import LocalSeed
from app.operations import access
from app.operations.access import Doing, Permitted
from app.operations.administration import databases as administration
from app.operations.administration import local_work
from app.operations.administration.database_overviews import known
from app.operations.services import Services
from app.web.advice import advice_for
from app.web.api.app_models import OfApp
from app.web.api.database_models import (
    CreateDatabase,
    DatabaseDetail,
    DatabasePage,
    DatabaseShown,
    EditDatabase,
    HowToDelete,
    LocalMigration,
    LoginShown,
    OfDatabase,
    RevealCredentials,
    SizePage,
    SizeShown,
    WhichDatabases,
    WhichSizes,
    cursor_of,
)
from app.web.api.shapes import ERRORS, PERSON, Answered, Nothing, Part, cut, page_of
from app.web.identity import acting

api = Part(
    "databases",
    __name__,
    url_prefix="/api/v1",
    abp_tags=[
        Tag(
            name="databases", description="What takes time is answered 202; ask again for the state"
        )
    ],
    abp_security=PERSON,
    abp_responses=ERRORS,
)


@api.get("/databases", responses={200: DatabasePage})
def list_(query: WhichDatabases) -> dict[str, Any]:
    """List the databases of the apps that you may see, also of those whose assignment ended."""
    services = acting()
    wanted = [
        one
        for one in services.store.databases.all()
        if not (one.is_set_aside and query.environment is None)
        and query.app in (None, one.app_id)
        and query.environment in (None, one.environment.value)
        and query.branch in (None, one.branch)
        and query.name in (None, one.name)
    ]
    found = access.databases(services, wanted, full_name=query.repository)
    ordered = sorted(found, key=lambda one: one.id)
    part = page_of(ordered, query, id_of=lambda one: one.id)
    shown, following = cut(part, query, id_of=lambda one: one.id)
    return DatabasePage(items=_all_shown(services, shown), next=following).model_dump(mode="json")


@api.get("/databases/<int:database>", responses={200: DatabaseDetail})
def show(path: OfDatabase) -> dict[str, Any]:
    """Show one database."""
    services, permitted = _found(path, See)
    database = permitted.subject
    detail = DatabaseDetail.with_seed(
        _shown(services, database),
        services.store.seeds.of(database),
        awaits_seed=local_work.awaits_seed(services.store, database),
    )
    return detail.model_dump(mode="json")


@api.get("/databases/<int:database>/sizes", responses={200: SizePage})
def sizes(path: OfDatabase, query: WhichSizes) -> dict[str, Any]:
    """List the sizes of a database over 90 days: a sample for each change, one a day at least."""
    services, permitted = _found(path, See)
    database = permitted.subject
    found = services.store.measurements.of_database(
        database.id, after=query.after, limit=query.limit + 1
    )
    shown, following = cut(found, query, id_of=cursor_of)
    items = [SizeShown.of(one) for one in shown]
    return SizePage(items=items, next=following).model_dump(mode="json")


@api.post("/apps/<app>/databases", responses={200: DatabaseShown, 202: DatabaseShown})
def create(path: OfApp, body: CreateDatabase) -> Answered:
    """Have a database made, or brought back; 200 if it is there already."""
    services = acting()
    assigned = access.app(services, AppId(path.app), See).subject
    where = access.location(
        services, assigned, Change, branch=body.branch, environment=body.environment
    )
    database = administration.create(services, where)
    status = 200 if database.state is DatabaseState.READY else 202
    return _shown(services, database).model_dump(mode="json"), status


@api.post("/databases/<int:database>/fix", responses={202: DatabaseShown})
def fix(path: OfDatabase, body: Nothing) -> Answered:
    """Have a database set up once more: roles, grants, password. Its data stays."""
    services, database = _found(path, Change)
    return _accepted(services, administration.fix(services, database))


@api.post("/databases/<int:database>/reset", responses={202: DatabaseShown})
def reset(path: OfDatabase, body: Nothing) -> Answered:
    """Have a database made anew, empty or as its app's template. Its data is gone for good."""
    services, database = _found(path, Lose)
    return _accepted(services, administration.reset(services, database))


@api.post("/databases/<int:database>/seed", responses={200: DatabaseShown})
def seed(path: OfDatabase, body: Nothing) -> dict[str, Any]:
    """Have the next run of the workflow seed a database once more, whatever it holds."""
    services, database = _found(path, Change)
    return _shown(services, administration.seed(services, database)).model_dump(mode="json")


@api.post("/databases/<int:database>/migrated", responses={200: DatabaseShown})
def migrated(path: OfDatabase, body: LocalMigration) -> dict[str, Any]:
    """Say that `dev` was migrated on your own machine, and how its seed command ended."""
    services, database = _found(path, Change)
    local_work.migrated(services, database, generation=body.generation, seed=LocalSeed(body.seed))
    return _shown(services, database.subject).model_dump(mode="json")


@api.patch("/databases/<int:database>", responses={200: DatabaseShown})
def edit(path: OfDatabase, body: EditDatabase) -> dict[str, Any]:
    """Store what else belongs to a database."""
    services, database = _found(path, Change)
    if body.accelerate_url is not None:
        administration.set_accelerate_url(services, database, body.accelerate_url or None)
    return _shown(services, database.subject).model_dump(mode="json")


@api.post("/databases/<int:database>/restore", responses={202: DatabaseShown})
def restore(path: OfDatabase, body: Nothing) -> Answered:
    """Have a deleted database opened again, data and all."""
    services, database = _found(path, Change)
    return _accepted(services, administration.restore(services, database))


@api.delete("/databases/<int:database>", responses={202: DatabaseShown})
def delete(path: OfDatabase, query: HowToDelete) -> Answered:
    """Close a database; its data is kept for the retention time, production's until dropped."""
    services, database = _found(path, Lose)
    act = administration.drop if query.now else administration.delete
    return _accepted(services, act(services, database))


@api.post("/databases/<int:database>/credentials", responses={200: LoginShown})
def credentials(path: OfDatabase, body: RevealCredentials) -> dict[str, Any]:
    """Reveal the long-lived login's variables. Audited; production needs admin."""
    services, database = _found(path, Connect)
    purpose = AuditEvent(body.purpose) if body.purpose else AuditEvent.DATABASES_CREDENTIALS
    login = administration.login(services, database, purpose=purpose)
    shadow: dict[str, str] = {}
    problem = None
    try:
        if purpose is not AuditEvent.PSQL:
            shadow = local_work.shadow_variables(services, database, purpose=purpose)
    except CoppiceError as error:  # it keeps nobody from the database itself
        problem = f"{error} {advice_for(error)}"
    return LoginShown.of(login, shadow, shadow_problem=problem).model_dump()


def _found(path: OfDatabase, act: type[Doing]) -> tuple[Services, Permitted[Database, Doing]]:
    services = acting()
    return services, access.database(services, DatabaseId(path.database), act)


def _accepted(services: Services, database: Database) -> Answered:
    return _shown(services, database).model_dump(mode="json"), 202


def _shown(services: Services, database: Database) -> DatabaseShown:
    [shown] = _all_shown(services, [database])
    return shown


def _all_shown(services: Services, databases: Sequence[Database]) -> list[DatabaseShown]:
    return [DatabaseShown.of(one) for one in known(services, databases)]

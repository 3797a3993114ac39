"""What a person needs to work with a database on their own machine."""

from app.core import seeding
from app.core.audit import AuditEvent
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import Conflict, Invalid
from app.core.identifiers import AppId
from app.core.instances import Instance
from app.core.intents import EnsureDatabase
from app.core.people import Change, Connect
from app.core.seeding import LocalSeed
from app.operations import access
from app.operations.access import Permitted
from app.operations.administration import databases
from app.operations.databases import elsewhere, provisioning, retention
from app.operations.runs.credentials import variables
from app.operations.services import Services
from app.store.store import Store

_RUNS_LOOKED_AT = 50


def shadow_variables(
    services: Services, permitted: Permitted[Database, Connect], *, purpose: AuditEvent
) -> dict[str, str]:
    """`SHADOW_DATABASE_URL` for the database for local work, nothing for others.

    Audited as what the person does, with the shadow for its subject.

    Makes the shadow database, or restores it, when it is not there.
    """
    database = permitted.subject
    assignment = services.store.apps.assignment(database.app_id)
    if database.environment is not Environment.DEV or assignment is None:
        return {}
    shadow = provisioning.intend_database(services, assignment, Environment.SHADOW)
    permitted = access.shadow(permitted, shadow)
    instance = services.store.instances.get(shadow.instance_id)
    if not services.store.hosts.is_here(instance):
        _make_elsewhere(services, instance, permitted)
    elif shadow.state is DatabaseState.DELETED:
        retention.restore_database(services, shadow.id)
    else:
        provisioning.ensure_database(services, shadow.id)
    made = access.shadow(permitted, services.store.databases.get(shadow.id))
    login = databases.login(services, made, purpose=purpose)
    return {"SHADOW_DATABASE_URL": variables(login)["DATABASE_URL"]}


def _make_elsewhere(
    services: Services, instance: Instance, permitted: Permitted[Database, Connect]
) -> None:
    """Have the machine of its server make or restore it, and wait for a while."""
    shadow = permitted.subject
    if shadow.state is DatabaseState.READY:
        return
    elsewhere.need_alive(services.store, instance)
    if shadow.state is DatabaseState.DELETED:
        databases.restore(services, permitted)
    else:
        services.store.queue.add([EnsureDatabase(database_id=shadow.id)])
    unfinished = {DatabaseState.CREATING, shadow.state} - {DatabaseState.ERROR}
    elsewhere.wait_until(
        lambda: services.store.databases.get(shadow.id).state not in unfinished,
        doing=f"Waiting for {shadow.name}",
    )


def last_command(store: Store, app_id: AppId) -> str:
    """What the default branch was migrated with last; empty: it was not so far, or not lately.

    What other branches have in their workflows is nothing to type on a machine of one's own: nobody
    may have looked at it.
    """
    past = [one.run for one in store.history.of_app(app_id, limit=_RUNS_LOOKED_AT)]
    trusted = (run for run in past if run.migrates and run.primary is Environment.PRODUCTION)
    return next((run.command for run in trusted if run.command), "")


def awaits_seed(store: Store, database: Database) -> bool:
    """Whether the next successful migration is followed by the seed command, if there is one."""
    assignment = store.apps.assignment(database.app_id)
    if assignment is None or not seeding.may_seed(database.environment, assignment.policies):
        return False
    return seeding.is_awaited(database, store.seeds.of(database))


def migrated(
    services: Services,
    permitted: Permitted[Database, Change],
    *,
    generation: int,
    seed: LocalSeed,
) -> None:
    """Remember how a person's migration of `dev` was followed by its seed. Audited.

    Args:
        generation: Of the database when the migration began.

    Raises Invalid for other databases, which runs migrate; Conflict when it was emptied meanwhile.
    """
    database = permitted.subject
    if database.environment is not Environment.DEV:
        raise Invalid(
            f"{database.name} is migrated by runs of the workflow.",
            advice="Push, or start the workflow again.",
        )
    if database.generation != generation:
        raise Conflict(f"{database.name} was emptied meanwhile.", advice="Migrate it once more.")
    match seed:
        case LocalSeed.SUCCESS:
            services.store.seeds.settle(database, at=services.clock())
        case LocalSeed.FAILURE:
            services.store.seeds.owe(database)
        case LocalSeed.NONE:
            services.store.seeds.settle(database, at=None)
    services.record(AuditEvent.DATABASES_MIGRATE, database.name, detail=f"seed: {seed}")

"""The same for whoever cannot wait: checked and recorded now, done by a worker."""

from functools import partial

from app.core import lifecycle
from app.core.audit import Action
from app.core.databases import Closing, Database, DatabaseState
from app.core.intents import DropDatabase, EnsureDatabase, RebuildDatabase, RestoreDatabase
from app.operations.administration.assigned import Assigned
from app.operations.administration.beginnings import refuse_live, set_up_again, start_afresh
from app.operations.administration.databases import Place, check_branch, record
from app.operations.databases import limits, provisioning, retention
from app.operations.services import Services

# A server that is away would hold the asker for as long as it takes to give up; a job may wait.


def create(services: Services, assigned: Assigned, where: Place) -> Database:
    """Have a database made; returns the one that is there already, as it is.

    A deleted one is restored, a failed one tried again.
    """
    if where.branch is not None:
        check_branch(services, assigned, where.branch)
    database = provisioning.intend_database(
        services, assigned.assignment, where.environment, where.branch
    )
    match database.state:
        case DatabaseState.READY:
            return database
        case DatabaseState.ERROR if database.waits_for_person:
            return database  # Fix is for it: who asks for one need not know that it was lost
        case DatabaseState.DELETED:
            return restore(services, database)
        case _:
            record(services, Action.DATABASES_CREATE, database)
            ensure = EnsureDatabase(database_id=database.id)
            again = partial(lifecycle.set_up_again, for_person=True, now=services.clock())
            services.databases.apply_to(database.id, again, then=[ensure])
            return services.databases.get(database.id)


def fix(services: Services, database: Database) -> Database:
    """Have it set up once more, data untouched: roles, grants, password, marker."""
    set_up_again(services, database, then=[EnsureDatabase(database_id=database.id)])
    return services.databases.get(database.id)


def reset(services: Services, database: Database) -> Database:
    """Have it replaced by an empty one of the same name and login. Cannot be undone."""
    job = RebuildDatabase(database_id=database.id, generation=database.generation)
    start_afresh(services, database, then=[job])
    return services.databases.get(database.id)


def restore(services: Services, database: Database) -> Database:
    """Have a deleted database opened again, data and all; it is `deleted` until then."""
    if database.state is DatabaseState.READY:
        return database
    retention.check_restorable(database)
    limits.check_restored(services, database)
    record(services, Action.DATABASES_RESTORE, database)
    services.queue.add([RestoreDatabase(database_id=database.id)])
    return database


def delete(services: Services, database: Database) -> Database:
    """Have all connections refused; the data is kept for the retention time, production's on."""
    refuse_live(services, database)
    record(services, Action.DATABASES_DELETE, database)
    retention.close_database(services, database.id, because=Closing.BY_HAND)
    return services.databases.get(database.id)


def drop(services: Services, database: Database) -> Database:
    """Have a database and its data dropped; it is `deleted` until then. Cannot be undone."""
    closed = delete(services, database)
    record(services, Action.DATABASES_DROP, database)
    job = DropDatabase(database_id=database.id, is_by_hand=True)
    retention.mark_unwanted(services, database.id, then=[job])
    return closed

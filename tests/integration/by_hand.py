"""What people ask for of single databases, and the job that this causes done at once: no worker.

Nothing of it waits in the queue afterwards, but for what seals a deleted database once more.
"""

from app.core.databases import Closing, Database
from app.core.identifiers import DatabaseId
from app.core.people import Change, Lose
from app.operations import access
from app.operations.administration.databases import (
    needs_ready,
    refuse_live,
    set_up_again,
    start_afresh,
)
from app.operations.databases import provisioning, retention
from app.operations.services import Services


def fix(services: Services, database: Database) -> Database:
    set_up_again(services, access.database(services, database.id, Change))
    return needs_ready(provisioning.ensure_database(services, database.id))


def reset(services: Services, database: Database) -> Database:
    start_afresh(services, access.database(services, database.id, Lose))
    return needs_ready(
        provisioning.rebuild_database(services, database.id, generation=database.generation)
    )


def restore(services: Services, database: Database) -> Database:
    return needs_ready(retention.restore_database(services, database.id))


def delete(services: Services, database: Database) -> Database:
    refuse_live(services, database)
    return delete_database(services, database.id)


def delete_database(services: Services, database_id: DatabaseId) -> Database:
    """Without asking whether a migration runs on it."""
    retention.close_database(services, database_id, because=Closing.BY_HAND)
    if shadow := provisioning.shadow_of(services.store, services.store.databases.get(database_id)):
        retention.seal_database(services, shadow.id)
    retention.seal_database(services, database_id)
    return services.store.databases.get(database_id)


def drop(services: Services, database: Database) -> Database:
    delete(services, database)
    retention.mark_unwanted(services.store, database.id)
    retention.drop_database(services, database.id, is_by_hand=True)
    return services.store.databases.get(database.id)

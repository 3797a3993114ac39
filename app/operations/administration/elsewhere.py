"""What a person does to databases by hand, where their server stands on another machine.

That machine does it, and is waited for; each function is as its namesake in `databases`.
"""

from collections.abc import Callable

from app.core.databases import Database, DatabaseState
from app.core.intents import EnsureDatabase
from app.operations.administration import database_requests
from app.operations.administration.assigned import Assigned
from app.operations.administration.databases import Place, needs_ready
from app.operations.databases import elsewhere
from app.operations.services import Services


def create(services: Services, assigned: Assigned, where: Place) -> Database:
    elsewhere.need_alive(services, assigned.instance)
    return _ready(services, database_requests.create(services, assigned, where))


def ensure(services: Services, database: Database) -> Database:
    """Have it made, or restored; returns one that is ready as it is."""
    if database.state is DatabaseState.READY:
        return database
    if database.state is DatabaseState.DELETED:
        return restore(services, database)
    _need_alive(services, database)
    services.queue.add([EnsureDatabase(database_id=database.id)])
    return _ready(services, database)


def fix(services: Services, database: Database) -> Database:
    _need_alive(services, database)
    return _ready(services, database_requests.fix(services, database))


def reset(services: Services, database: Database) -> Database:
    _need_alive(services, database)
    return _ready(services, database_requests.reset(services, database))


def restore(services: Services, database: Database) -> Database:
    _need_alive(services, database)
    asked = database_requests.restore(services, database)
    return _ready(services, asked, may_be=DatabaseState.DELETED)


def delete(services: Services, database: Database) -> Database:
    return database_requests.delete(services, database)


def drop(services: Services, database: Database) -> Database:
    _need_alive(services, database)
    asked = database_requests.drop(services, database)
    return _once(services, asked, lambda now: now.state is DatabaseState.GONE)


def _need_alive(services: Services, database: Database) -> None:
    elsewhere.need_alive(services, services.instances.get(database.instance_id))


def _ready(
    services: Services, database: Database, *, may_be: DatabaseState = DatabaseState.CREATING
) -> Database:
    """As it is when its machine has done with it. Raises Conflict when that is not `ready`."""
    unfinished = {DatabaseState.CREATING, may_be}
    return needs_ready(_once(services, database, lambda now: now.state not in unfinished))


def _once(services: Services, database: Database, holds: Callable[[Database], bool]) -> Database:
    elsewhere.wait_until(
        lambda: holds(services.databases.get(database.id)), doing=f"Waiting for {database.name}"
    )
    return services.databases.get(database.id)

"""Limits of an instance, held against what is on it."""

from collections.abc import Collection, Mapping
from contextlib import suppress

from app.core import limits as rules
from app.core.databases import Database, DatabaseState
from app.core.errors import ProvisioningFailed
from app.core.identifiers import DatabaseId, InstanceId
from app.core.limits import NO_LIMITS
from app.operations.services import Services
from app.store.store import Store


def check(store: Store, new: Database) -> None:
    """Raise LimitReached when there is no room for a database that was never made."""
    limits = store.limits.of(new.instance_id)
    if limits == NO_LIMITS:
        return
    others = store.databases.all(instance_id=new.instance_id)
    sizes = store.measurements.sizes([one.id for one in others])
    rules.check_room(limits, new, others, total_bytes=sum(sizes.values()))


def check_restored(store: Store, deleted: Database) -> None:
    """Raise LimitReached when others have taken the room of a database that was deleted.

    What it holds was counted all the time: opening it makes that no more.
    """
    limits = store.limits.of(deleted.instance_id)
    others = store.databases.all(instance_id=deleted.instance_id)
    rules.check_room(limits, deleted, others, total_bytes=0)


def apply(services: Services, instance_id: InstanceId) -> None:
    """Give ready databases and their logins as many connections as the limits say now.

    May be repeated, and costs one question where nothing is to be changed: so it is done by the
    clock too, for what an older version made, and for servers that have more or less by now.

    Raises ServerUnreachable.
    """
    connections = services.store.limits.of(instance_id).connections
    server = services.server_for(services.store.instances.get(instance_id))
    tenants = {
        one.name: one.tenant(connections=connections)
        for one in services.store.databases.all(instance_id=instance_id)
        if one.state is DatabaseState.READY
    }
    for name in server.with_other_limits(list(tenants.values())) if tenants else ():
        with suppress(ProvisioningFailed):  # not as it should be: Fix applies them too
            server.limit_connections(tenants[name])


def remark(store: Store, database: Database) -> str | None:
    """What people should know of a database's size; None: nothing."""
    sizes = store.measurements.sizes([database.id])
    return remarks(store, [database], sizes).get(database.id)


def remarks(
    store: Store, databases: Collection[Database], sizes: Mapping[DatabaseId, int]
) -> Mapping[DatabaseId, str]:
    """What people should know of databases' sizes, for those that are past their limit.

    Deleted ones are left out: nobody fills them. Reads the limits of each instance once.
    """
    instances = {one.instance_id for one in databases}
    limits = {instance_id: store.limits.of(instance_id) for instance_id in instances}
    found = {
        one.id: rules.excess(limits[one.instance_id], sizes.get(one.id))
        for one in databases
        if one.state is not DatabaseState.DELETED
    }
    return {database_id: words for database_id, words in found.items() if words is not None}

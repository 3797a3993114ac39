"""Databases past their limit: closed where the operator wants that, opened when there is space."""

from functools import partial

from app.core import lifecycle
from app.core import limits as rules
from app.core.identifiers import DatabaseId, InstanceId
from app.core.limits import NO_LIMITS, Limits
from app.operations.databases.provisioning import answers, ensure_database, server_of, tenant_of
from app.operations.services import Services


def enforce(services: Services, instance_id: InstanceId) -> None:
    """After a measurement: close what is too large, open what is not any more.

    May be repeated. A database that is being migrated is left alone until the next measurement.
    """
    limits = services.store.limits.of(instance_id)
    databases = {one.id: one for one in services.store.databases.all(instance_id=instance_id)}
    frozen = frozenset(one.id for one in databases.values() if one.is_shut)
    if limits == NO_LIMITS and not frozen:
        return
    sizes = services.store.measurements.sizes(list(databases))
    measured = [(databases[each], size) for each, size in sizes.items()]
    changes = rules.freezing(limits, measured, frozen=frozen, now=services.clock())
    for database_id in changes.freeze:
        _freeze(services, database_id, limits, size_bytes=sizes[database_id])
    for database_id in changes.thaw:
        services.store.databases.apply_to(database_id, lifecycle.thawed)
        ensure_database(services, database_id)


def _freeze(
    services: Services, database_id: DatabaseId, limits: Limits, *, size_bytes: int
) -> None:
    with services.store.databases.exclusively(database_id) as database:
        if services.store.leases.of(database_id) is not None:
            return
        if rules.is_just_opened(database, services.clock()):
            return  # since its size was looked at
        reason = f"{rules.excess(limits, size_bytes)} It lets nobody in until there is space."
        frozen = partial(lifecycle.frozen, reason=reason, reason_code=rules.LimitReached.code)
        if services.store.databases.apply(database, frozen) is not None:
            server_of(services, database).seal(tenant_of(services.store, database))
            services.store.queue.add(answers(services.store, database))

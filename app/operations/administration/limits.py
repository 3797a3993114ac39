"""Setting the limits of an instance."""

from app.core import amounts
from app.core.audit import AuditEvent
from app.core.errors import Invalid
from app.core.instances import Instance
from app.core.intents import ApplyLimits, MeasureInstance
from app.core.limits import MOST_CONNECTIONS, SMALLEST_DATABASE_BYTES, Limits, Remark, remarks
from app.core.people import Operate
from app.operations.access import Permitted
from app.operations.services import Services


def set_limits(
    services: Services, permitted: Permitted[Instance, Operate], limits: Limits
) -> tuple[Remark, ...]:
    """What holds from now on. Databases that are past them stay; a worker applies the rest.

    Returns which of them are exceeded already, as far as was measured.
    """
    instance = permitted.subject
    check(limits)
    services.store.limits.set(instance.id, limits)
    services.store.queue.add(
        [ApplyLimits(instance_id=instance.id), MeasureInstance(instance_id=instance.id)]
    )
    services.record(AuditEvent.INSTANCES_LIMIT, instance.name, detail=described(limits))
    databases = services.store.databases.all(instance_id=instance.id)
    sizes = services.store.measurements.sizes([one.id for one in databases])
    return remarks(limits, databases, sizes)


def check(limits: Limits) -> None:
    """Raise Invalid for limits that cannot be meant."""
    numbers = (limits.databases, limits.database_bytes, limits.total_bytes, limits.connections)
    if any(number is not None and number < 1 for number in numbers):
        raise Invalid("A limit must be more than zero.", advice="Leave out what has no limit.")
    if limits.connections is not None and limits.connections > MOST_CONNECTIONS:
        raise Invalid(f"A login cannot be given more than {MOST_CONNECTIONS} connections.")
    if limits.database_bytes is not None and limits.database_bytes < SMALLEST_DATABASE_BYTES:
        raise Invalid(
            f"{amounts.size(limits.database_bytes)} is too little for a database: one that holds"
            " nothing takes about 8 MB of PostgreSQL's own.",
            advice=f"Allow each at least {amounts.size(SMALLEST_DATABASE_BYTES)}.",
        )
    if limits.freezes and limits.database_bytes is None:
        raise Invalid(
            "Freezing needs a size: without one no database is ever too large.",
            advice="Say how large a database may be.",
        )


def described(limits: Limits) -> str:
    """For people, in a line."""
    parts = [
        amounts.counted(limits.databases, "database") if limits.databases else "",
        f"{amounts.size(limits.database_bytes)} each" if limits.database_bytes else "",
        f"{amounts.size(limits.total_bytes)} in all" if limits.total_bytes else "",
        f"{amounts.counted(limits.connections, 'connection')} for each login"
        if limits.connections
        else "",
        "too large ones are frozen" if limits.freezes else "",
    ]
    return ", ".join(part for part in parts if part) or "no limits"

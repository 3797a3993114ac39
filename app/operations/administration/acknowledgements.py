"""Findings that somebody accepts: they stay to be seen, and nobody has to act on them."""

from collections.abc import Sequence

from app.core.audit import AuditEvent
from app.core.errors import Conflict
from app.core.findings import Acknowledgement, Finding
from app.core.instances import Instance
from app.core.people import Manage
from app.operations.access import Permitted
from app.operations.administration import same_server
from app.operations.services import Services


def known(services: Services, instance: Instance) -> tuple[Finding, ...]:
    """All findings of an instance, as of its last measurement: asks the state database alone."""
    measured = services.store.measurements.of_instance(instance.id)
    if measured is None:
        return ()
    return (
        *measured.findings,
        *same_server.remarks(services, instance, measured.system_identifier),
    )


def acknowledge(
    services: Services, permitted: Permitted[Instance, Manage], code: str
) -> Sequence[Finding]:
    """Accept what is found under a code at present; returns what that is.

    Raises:
        Conflict: Nothing of the kind is found at present, or it prevents work, which nobody can
            accept.
    """
    instance = permitted.subject
    found = [one for one in known(services, instance) if one.code == code]
    if not found:
        raise Conflict(
            f"Nothing with the code {code!r} was found on {instance.name}.",
            advice="`coppice instances show` lists what was found, with the code of each.",
        )
    if any(one.is_fatal for one in found):
        raise Conflict(
            f"{found[0].message} That prevents work, and cannot be accepted.",
            advice=found[0].advice,
        )
    given = [
        Acknowledgement(
            code=one.code,
            message=one.message,
            acknowledged_by=services.actor.name,
            acknowledged_at=services.clock(),
        )
        for one in found
    ]
    services.store.acknowledgements.add(instance.id, given)
    services.record(AuditEvent.INSTANCES_ACKNOWLEDGE, instance.name, detail=code)
    return found


def withdraw(services: Services, permitted: Permitted[Instance, Manage], code: str) -> None:
    """Accept it no longer. Raises Conflict if nobody did."""
    instance = permitted.subject
    if not services.store.acknowledgements.withdraw(instance.id, code):
        raise Conflict(
            f"Nobody has acknowledged {code!r} on {instance.name}.",
            advice="`coppice instances show` lists what was found, and who acknowledged it.",
        )
    services.record(AuditEvent.INSTANCES_WITHDRAW, instance.name, detail=code)

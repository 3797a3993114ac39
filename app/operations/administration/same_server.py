"""Instances that lead to the same server: told to those who look after both."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from app.core.findings import Finding, InstanceMeasurement, ServerReport
from app.core.identifiers import InstanceId
from app.core.instances import Instance
from app.operations.access import instances_run
from app.operations.services import Services

if TYPE_CHECKING:
    from app.store.access import StateAccess


def with_neighbours(services: Services, instance: Instance, report: ServerReport) -> ServerReport:
    """The report, with a remark on each instance of the actor's that is on the same server."""
    found = remarks(services, instance, report.system_identifier)
    return replace(report, findings=(*report.findings, *found))


def remarks(
    services: Services, instance: Instance, system_identifier: str | None
) -> tuple[Finding, ...]:
    """What to say of what else is on the same server: asks the state database alone.

    Args:
        system_identifier: Of the instance's server; None: it is not known.
    """
    others = [one for one in instances_run(services) if one.id != instance.id]
    measured = services.store.measurements.of_instances([one.id for one in others])
    found = [
        _remark(other)
        for other in sorted(others, key=lambda one: one.name)
        if _is_same(instance, system_identifier, other, _identifier(measured, other.id))
    ]
    return (*_of_state(services, system_identifier), *found)


def _of_state(services: Services, system_identifier: str | None) -> tuple[Finding, ...]:
    """A finding if tenants of this server may connect to the state database, for operators."""
    if system_identifier is None or not services.actor.is_operator:
        return ()
    access = services.store.state.access()
    is_here = access.system_identifier == system_identifier
    return (open_state(access),) if access.is_open and is_here else ()


def open_state(access: StateAccess) -> Finding:
    """What to do about a state database to which every login of its server may connect."""
    return Finding(
        code="open_state",
        message=f"Every login of its server may connect to the state database {access.database},"
        " tenants' logins included.",
        advice=access.closing,
        is_fatal=False,
    )


def _is_same(one: Instance, its: str | None, other: Instance, others: str | None) -> bool:
    if its is not None and others is not None:
        return its == others
    mine, theirs = one.admin.address, other.admin.address
    return (mine.host.lower(), mine.port) == (theirs.host.lower(), theirs.port)


def _identifier(
    measured: Mapping[InstanceId, InstanceMeasurement], instance_id: InstanceId
) -> str | None:
    found = measured.get(instance_id)
    return found.system_identifier if found else None


def _remark(other: Instance) -> Finding:
    # A copy of its files has the same number: a standby that became a server of its own, say.
    return Finding(
        code="same_server",
        message=f"The instance {other.name} is on the same server, or on a copy of it.",
        advice="That works: each looks after its own databases only. They share the server's"
        " connections and its disk, and limits count for each alone.",
        is_fatal=False,
    )

"""Instances as people look at them: a server, how it does, and what is on it."""

from dataclasses import dataclass

from app.core.databases import Database
from app.core.hosts import Host, silent_host, unreachable
from app.core.instances import Instance, InstanceStatus, instance_status
from app.core.limits import Limits, total_excess
from app.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceOverview:
    """An instance and what is on it."""

    instance: Instance
    status: InstanceStatus
    problem: str | None
    """Why its server cannot be used at present, on one line."""
    app_ids: tuple[str, ...]
    databases: tuple[Database, ...]
    limits: Limits
    owner: str | None
    """Login of the account that claimed it."""
    host: Host | None
    """The machine that its server stands on; None for linked ones."""
    over_limit: str | None
    """What people should know of the size of all that is on it."""
    room: int | None
    """How many sessions its server has for all logins; None: it was not measured so far."""


def overview(store: Store, instance: Instance) -> InstanceOverview:
    """An instance with its status, its apps and its databases."""
    app_ids = [one.app.id for one in store.apps.assignments(instance_id=instance.id)]
    databases = store.databases.all(instance_id=instance.id)
    claim = store.handovers.of_instance(instance.id)
    states = [one.state for one in databases if one.app_id in app_ids]
    measured = store.measurements.of_instance(instance.id)
    problem = measured.failure if measured else None
    hosts = store.hosts.known() if instance.host else {}
    silent = silent_host(instance, hosts, here=store.hosts.here)
    limits = store.limits.of(instance.id)
    sizes = store.measurements.sizes([one.id for one in databases])
    return InstanceOverview(
        instance=instance,
        status=instance_status(
            states,
            is_assigned=bool(app_ids),
            is_failing=problem is not None,
            is_unreachable=silent is not None,
        ),
        problem=unreachable(silent) if silent else problem,
        app_ids=tuple(app_ids),
        databases=tuple(databases),
        limits=limits,
        owner=claim.owner_login if claim else None,
        host=hosts.get(instance.host) if instance.host else None,
        over_limit=total_excess(limits, sum(sizes.values())),
        room=measured.room if measured else None,
    )

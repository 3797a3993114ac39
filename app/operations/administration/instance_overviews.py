"""Instances as people look at them: a server, how it does, and what is on it."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.databases import Database, DatabaseState
from app.core.findings import InstanceMeasurement
from app.core.hosts import Host, silent_host, unreachable
from app.core.instances import Instance, InstanceStatus, instance_status
from app.core.limits import Limits, Remark, remarks, total_excess
from app.operations.apps import Assigned, all_assigned
from app.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceOverview:
    """An instance and what is on it."""

    instance: Instance
    status: InstanceStatus
    apps: tuple[Assigned, ...]
    databases: tuple[Database, ...]
    size_bytes: int | None
    """Of those databases that were measured; None before the first measurement."""
    remarks: tuple[Remark, ...]
    """What people should know of these sizes."""
    measurement: InstanceMeasurement | None
    host: Host | None
    """The machine that its server stands on; None for linked ones."""
    unreachable: str | None
    """Since when that machine is silent, for a person."""
    limits: Limits
    owner: str | None
    """Login of the account that claimed it."""

    @property
    def failure(self) -> str | None:
        """Why its server, on a machine that is heard of, cannot be used; on one line."""
        if self.unreachable:
            return None
        return self.measurement.failure if self.measurement else None

    @property
    def failed(self) -> tuple[Database, ...]:
        """Databases of assigned apps that make the status Error though the server answers."""
        assigned = {one.app.id for one in self.apps}
        return tuple(
            one
            for one in self.databases
            if one.state is DatabaseState.ERROR and one.app_id in assigned
        )

    @property
    def over_limit(self) -> str | None:
        """What people should know where all that is on it leaves no room for another database."""
        return total_excess(self.limits, self.size_bytes or 0)


def overviews(store: Store, instances: Sequence[Instance]) -> list[InstanceOverview]:
    """Read together, so that the number of queries does not grow with what is on an instance."""
    only = instances[0].id if len(instances) == 1 else None
    assigned = all_assigned(store, store.apps.assignments(instance_id=only))
    databases = store.databases.all(instance_id=only)
    sizes = store.measurements.sizes([one.id for one in databases])
    measurements = store.measurements.of_instances([one.id for one in instances])
    hosts = store.hosts.known()
    found = []
    for instance in instances:
        apps = tuple(one for one in assigned if one.instance.id == instance.id)
        app_ids = {one.app.id for one in apps}
        ours = tuple(one for one in databases if one.instance_id == instance.id)
        measured = [sizes[one.id] for one in ours if one.id in sizes]
        measurement = measurements.get(instance.id)
        silent = silent_host(instance, hosts, here=store.hosts.here)
        limits = store.limits.of(instance.id)
        claim = store.handovers.of_instance(instance.id)
        found.append(
            InstanceOverview(
                instance=instance,
                status=instance_status(
                    (one.state for one in ours if one.app_id in app_ids),
                    is_assigned=bool(apps),
                    is_failing=measurement is not None and measurement.failure is not None,
                    is_unreachable=silent is not None,
                ),
                apps=apps,
                databases=ours,
                size_bytes=sum(measured) if measured else None,
                remarks=remarks(limits, ours, sizes),
                measurement=measurement,
                host=hosts.get(instance.host) if instance.host else None,
                unreachable=unreachable(silent) if silent else None,
                limits=limits,
                owner=claim.owner_login if claim else None,
            )
        )
    return found

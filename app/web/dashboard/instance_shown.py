"""An instance as its pages show it."""

from dataclasses import dataclass

from app.core.assignments import Assignment
from app.core.databases import Database, DatabaseState
from app.core.findings import InstanceMeasurement, InstanceTrial
from app.core.hosts import Host
from app.core.instances import Instance, InstanceKind, InstanceStatus
from app.core.limits import Limits, Remark, total_excess
from app.core.repositories import Repository


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedApp:
    """An app of an instance."""

    assignment: Assignment
    repository: Repository | None
    databases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An instance as people look at it."""

    instance: Instance
    status: InstanceStatus
    apps: tuple[AssignedApp, ...]
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
    is_awaited: bool
    """Something is on its way."""
    limits: Limits
    owner: str | None
    """Login of the account that claimed it."""
    trial: InstanceTrial | None
    """What was last tried on its server by doing it."""

    @property
    def failure(self) -> str | None:
        """Why its server cannot be used at present, on one line."""
        if self.unreachable:
            return None
        return self.measurement.failure if self.measurement else None

    @property
    def failed(self) -> tuple[Database, ...]:
        """Databases of assigned apps that make the status Error though the server answers."""
        assigned = {one.assignment.app.id for one in self.apps}
        return tuple(
            one
            for one in self.databases
            if one.state is DatabaseState.ERROR and one.app_id in assigned
        )

    @property
    def over_limit(self) -> bool:
        """Whether all that is on it leaves no room for another database."""
        return total_excess(self.limits, self.size_bytes or 0) is not None

    @property
    def is_provisioned(self) -> bool:
        return self.instance.kind is InstanceKind.PROVISIONED

    @property
    def is_busy(self) -> bool:
        """Whether something is on its way, so that the page should follow it."""
        return self.status is InstanceStatus.CREATING or self.is_awaited

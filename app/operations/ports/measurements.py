"""What operations ask of the state database about the sizes of things."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.core.identifiers import AppId, DatabaseId, InstanceId
from app.operations.ports.postgres import Finding, ServerReport, TriedStep


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceMeasurement:
    """A server as a worker last saw it; after a failure with what was known before."""

    measured_at: datetime
    version: str | None
    problem: str | None
    """Why it could not be measured, in a person's words."""
    advice: str
    findings: tuple[Finding, ...]
    free_bytes: int | None
    """Of its disk; None: the service cannot tell."""
    system_identifier: str | None = None
    """PostgreSQL's number of the cluster, as far as it was read."""

    @property
    def failure(self) -> str | None:
        """Why the server cannot be used at present, on one line; None: it answered, and can."""
        fatal = (finding.message for finding in self.findings if finding.is_fatal)
        words = self.problem or next(fatal, None)
        return " ".join(words.split()) if words else None


@dataclass(frozen=True, slots=True, kw_only=True)
class InstanceTrial:
    """What was last tried on a server by doing it."""

    tried_at: datetime
    steps: tuple[TriedStep, ...]

    @property
    def failures(self) -> tuple[Finding, ...]:
        """What keeps databases from being made there, as of that try."""
        found = (step.finding for step in self.steps)
        return tuple(one for one in found if one is not None and one.is_fatal)


@dataclass(frozen=True, slots=True, kw_only=True)
class SizeSample:
    """How large a database was at a time."""

    database_id: DatabaseId
    measured_at: datetime
    size_bytes: int


class Measurements(Protocol):
    """Sizes over time, and how servers do. Each method is one transaction."""

    def record(
        self,
        instance_id: InstanceId,
        *,
        at: datetime,
        report: ServerReport,
        sizes: Mapping[DatabaseId, int],
        free_bytes: int | None,
    ) -> None: ...

    def record_failure(
        self, instance_id: InstanceId, *, at: datetime, problem: str, advice: str
    ) -> None: ...

    def record_trial(
        self, instance_id: InstanceId, *, at: datetime, steps: Sequence[TriedStep]
    ) -> None:
        """In place of the one before."""

    def trial_of(self, instance_id: InstanceId) -> InstanceTrial | None:
        """None: nothing was tried on it so far."""

    def of_instance(self, instance_id: InstanceId) -> InstanceMeasurement | None:
        """None: it was not measured yet."""

    def of_instances(
        self, instance_ids: Collection[InstanceId]
    ) -> Mapping[InstanceId, InstanceMeasurement]:
        """Of those that were measured."""

    def sizes(self, database_ids: Sequence[DatabaseId]) -> Mapping[DatabaseId, int]:
        """The latest sizes, in bytes, of those that were measured."""

    def history(self, app_id: AppId, *, since: datetime) -> Sequence[SizeSample]:
        """Samples of an app's databases, oldest first."""

    def of_database(
        self, database_id: DatabaseId, *, after: datetime | None, limit: int
    ) -> Sequence[SizeSample]:
        """Samples of one database, oldest first; None: from the first one that is kept."""

    def forget(self, *, before: datetime) -> None:
        """Delete older samples, the latest of each database apart."""

"""Measurements: a server as a worker last saw it, and how large databases were."""

from dataclasses import dataclass
from datetime import datetime

from app.core.findings import Finding, TriedStep
from app.core.identifiers import DatabaseId


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
    room: int | None = None
    """How many sessions it has for roles that are no administrators, as far as it was asked."""
    lacks: tuple[str, ...] = ()
    """See `ServerReport`."""

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

"""What was found on servers: findings and who accepts them, measurements, and tries."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.core.identifiers import DatabaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing about a server that a person should know; `is_fatal` prevents linking."""

    code: str
    message: str
    advice: str
    is_fatal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReport:
    """What a connection test found."""

    version: str
    findings: tuple[Finding, ...]
    system_identifier: str | None = None
    """PostgreSQL's number of the cluster; None: the service's role may not read it."""
    has_tls: bool | None = None
    """Whether it can encrypt, or something on the way there does; None: it was not asked."""
    tried: "tuple[TriedStep, ...]" = ()
    """What was tried by doing it; empty: nothing was."""
    room: int | None = None
    """How many sessions it has for roles that are no administrators; None: it was not asked."""
    lacks: tuple[str, ...] = ()
    """What applications often ask for and its programs come without, in words."""

    @property
    def is_usable(self) -> bool:
        return not any(finding.is_fatal for finding in self.findings)


class Outcome(StrEnum):
    """How a step of a try went."""

    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"
    """Not tried, because one before it that it needs did not go."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TriedStep:
    """One thing that was tried on a server, by doing it."""

    code: str
    words: str
    """What was done, for a person."""
    outcome: Outcome
    finding: Finding | None = None
    """What to know of it: always where it failed."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledgement:
    """Somebody knows of a finding, and accepts what it said."""

    code: str
    message: str
    acknowledged_by: str
    acknowledged_at: datetime


def acknowledged(finding: Finding, among: Collection[Acknowledgement]) -> Acknowledgement | None:
    """Who accepts the finding, if somebody does.

    Only as it was said then, so that it comes back when it gets worse; and never one that prevents
    work.
    """
    if finding.is_fatal:
        return None
    same = (one for one in among if (one.code, one.message) == (finding.code, finding.message))
    return next(same, None)


def by_whom(one: Acknowledgement) -> str:
    """For people: who accepted it, and on which day."""
    return f"by {one.acknowledged_by} on {one.acknowledged_at:%Y-%m-%d}"


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

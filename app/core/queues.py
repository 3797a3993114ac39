"""The parts of the queue, and when one of them stands still."""

from collections.abc import Iterator
from dataclasses import dataclass

from app.core.identifiers import HostId

DATABASES = "databases"
"""Queue of everything that makes, opens or ends databases."""
GITHUB = "github"
"""Queue of what is written to GitHub; served apart, so that GitHub never delays a database."""
COMMENTS = "comments"
"""Queue of what is written below pull requests; it goes slowly, and holds up no check run."""


def queue_of(host: HostId) -> str:
    """The part of DATABASES that only this machine can do: its servers listen for it alone."""
    return f"{DATABASES}@{host}"


def is_of_databases(queue: str) -> bool:
    """Whether it is DATABASES, or a machine's part of it."""
    return queue.partition("@")[0] == DATABASES


STILL_SECONDS = 120.0
"""Longer than a worker is away when it is replaced, and than any one attempt of a job."""
LONG_RUN_SECONDS = 1800.0


@dataclass(frozen=True, slots=True, kw_only=True)
class QueueTraffic:
    """One part of the queue at this moment."""

    name: str
    waiting: int
    """Jobs that nobody has begun, also those that are put off."""
    running: int
    oldest_seconds: float
    """How long the job that has been due longest has waited for a worker; 0 when none is due.

    A job of a lock that another one holds is not due.
    """
    longest_run_seconds: float
    silent_seconds: float | None
    """Since a worker was given a job of it; None: never."""
    is_of_silent_host: bool = False
    """It is the part of a machine that is away: its instances are unreachable, and no more."""

    @property
    def stands_still(self) -> bool:
        """Whether work is due, and for long nobody has begun any who could."""
        is_silent = self.silent_seconds is None or self.silent_seconds > STILL_SECONDS
        is_due = self.oldest_seconds > STILL_SECONDS
        return is_silent and is_due and not self.is_of_silent_host


@dataclass(frozen=True, slots=True, kw_only=True)
class Traffic:
    """The queue at this moment."""

    workers: int
    """Those that gave a sign of life in the last seconds; each process has one for each queue."""
    asked_seconds: float | None
    """Since any worker asked for a job; None: never."""
    failed: int
    """Jobs of the last day that were given up."""
    queues: tuple[QueueTraffic, ...]

    @property
    def waiting(self) -> int:
        return sum(one.waiting for one in self.queues)

    @property
    def oldest_seconds(self) -> float:
        return max((one.oldest_seconds for one in self.queues), default=0.0)

    @property
    def is_deserted(self) -> bool:
        """Whether no worker is alive, and none was for long."""
        is_long = self.asked_seconds is None or self.asked_seconds > STILL_SECONDS
        return not self.workers and is_long


def troubles(traffic: Traffic) -> Iterator[tuple[str, str]]:
    """What stands still, each queue with its words; nothing while work goes on, however slowly."""
    for one in traffic.queues:
        what = f"queue {one.name}"
        if one.stands_still:
            yield what, f"stands still: a job is due since {one.oldest_seconds:.0f} seconds"
        if one.longest_run_seconds > LONG_RUN_SECONDS:
            yield what, f"a job has been running for {one.longest_run_seconds:.0f} seconds"


def why_not_ready(traffic: Traffic) -> str | None:
    """Why work does not go on; None while it does. A single job that hangs stops no other."""
    if traffic.is_deserted:
        return f"No worker is alive; {waiting(traffic.waiting)}."
    still = [one.name for one in traffic.queues if one.stands_still]
    return f"The queue of {', '.join(still)} stands still." if still else None


def waiting(jobs: int) -> str:
    """How many wait, in words."""
    return "1 job waits" if jobs == 1 else f"{jobs} jobs wait"

"""Which failures of a job are tried again, and for how long."""

from dataclasses import dataclass

from app.core.errors import CoppiceError, TransientError
from app.core.hosts import NotHere


@dataclass(frozen=True, slots=True, kw_only=True)
class Retry:
    """When a job that failed is tried again; `jobs/retry` says how long it waits."""

    on: type[CoppiceError] = TransientError
    """NotHere is always handed on to the machine that can do it."""
    priority: int | None = None
    """What the job has from its first failure on; None: what it had."""
    gives_up: bool = True
    longest_seconds: int | None = None
    """Between two attempts; None: minutes, or what GitHub asked for."""


RETRY = Retry()
# Steps back behind fresh work of others; nothing here depends on the order of jobs.
RETRY_BEHIND = Retry(priority=-5)
# Whoever asked asks again: only the machine that can do it has to be found.
RETRY_HANDED_ON = Retry(on=NotHere)
# Whoever was shut out must not stay inside because the server was away for long.
RETRY_FOR_EVER = Retry(gives_up=False, priority=0)
# The same whatever the server says, for it is asked for as long as it is not done.
RETRY_ENDING = Retry(gives_up=False, priority=0, on=CoppiceError, longest_seconds=60)

"""When a failed job is tried again: only what can heal, later and later."""

from procrastinate import BaseRetryStrategy, RetryDecision
from procrastinate.jobs import Job

from app.core.errors import CoppiceError
from app.core.hosts import NotHere
from app.core.queues import queue_of
from app.core.retries import Retry

MAX_ATTEMPTS = 12
MAX_WAIT_SECONDS = 300
# A job about several machines goes from one to the next.
_HANDED_ON_AT_ONCE = 3


class RetryTransient(BaseRetryStrategy):
    """2, 4, 8 ... 300 seconds, or what GitHub asked for; half an hour in all."""

    def __init__(self, rule: Retry) -> None:
        self._rule = rule

    def get_retry_decision(self, *, exception: BaseException, job: Job) -> RetryDecision | None:
        if self._rule.gives_up and job.attempts >= MAX_ATTEMPTS:
            return None
        if isinstance(exception, NotHere):
            return _handed_on(exception, job)
        if not isinstance(exception, self._rule.on):
            return None
        seconds = wait_seconds(exception, job.attempts)
        if self._rule.longest_seconds is not None:
            seconds = min(seconds, self._rule.longest_seconds)
        return RetryDecision(retry_in={"seconds": seconds}, priority=self._rule.priority)


def _handed_on(error: NotHere, job: Job) -> RetryDecision:
    """To the machine that can do it, at once the first times; until one is known, it waits."""
    is_new = error.host is not None and job.attempts < _HANDED_ON_AT_ONCE
    return RetryDecision(
        retry_in={"seconds": 0 if is_new else backoff_seconds(job.attempts)},
        queue=queue_of(error.host) if error.host else None,
    )


def wait_seconds(error: CoppiceError, attempts: int) -> int:
    """How long to wait before the next attempt."""
    backoff = backoff_seconds(attempts)
    asked: float | None = getattr(error, "retry_after_seconds", None)
    return max(backoff, int(asked) + 1) if asked else backoff


def backoff_seconds(attempts: int) -> int:
    """2, 4, 8 ... 300 seconds."""
    if attempts >= MAX_ATTEMPTS:
        return MAX_WAIT_SECONDS
    return min(int(2 ** (attempts + 1)), MAX_WAIT_SECONDS)

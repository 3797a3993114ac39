"""What happens by the clock, once for all workers."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import structlog
from procrastinate import JobContext
from procrastinate.exceptions import AlreadyEnqueued, ConnectorException
from procrastinate.tasks import Task

from app.core.errors import GitHubUnavailable
from app.core.queues import DATABASES, GITHUB
from app.core.retries import RETRY, RETRY_BEHIND, Retry
from app.jobs.handlers import services_of
from app.jobs.queue import app
from app.jobs.retry import RetryTransient
from app.operations.databases import housekeeping, measuring, strays
from app.operations.runs import reaper

log = structlog.get_logger()

GIVEN_UP_KEPT_HOURS = 14 * 24
# What waits for another attempt keeps the next one from being queued: no longer than usual.
REAP_SECONDS = 20
NOT_CONFIGURED = "github_not_configured"


def _by_the_clock(
    name: str,
    *,
    lock: str,
    queue: str = DATABASES,
    priority: int = 0,
    retry: Retry | None = RETRY_BEHIND,
) -> Callable[[Callable[..., Any]], Task[..., Any, Any]]:
    """Make a task that never runs twice at once, for its lock, and of which never two wait."""
    return app.task(
        name=name,
        queue=queue,
        lock=lock,
        queueing_lock=name,
        priority=priority,
        retry=RetryTransient(retry) if retry else False,
        pass_context=True,
    )


@_by_the_clock("everything:reconcile", lock="everything")
def reconcile_everything(context: JobContext, *, timestamp: int) -> None:
    with _if_configured():
        housekeeping.reconcile_everything(services_of(context))


@_by_the_clock("deliveries:recover", lock="deliveries", queue=GITHUB, retry=RETRY)
def recover_deliveries(context: JobContext, *, timestamp: int) -> None:
    with _if_configured():
        housekeeping.recover_deliveries(services_of(context), should_stop=context.should_abort)


# Quick, and what it asks for is urgent: no long line holds it up.
@_by_the_clock("runs:reap", lock="reap", priority=5, retry=Retry(longest_seconds=REAP_SECONDS))
def reap(context: JobContext, *, timestamp: int) -> None:
    reaper.reap(services_of(context))


@_by_the_clock("databases:flag_strays", lock="strays")
def flag_strays(context: JobContext, *, timestamp: int) -> None:
    strays.flag_all(services_of(context).store)


@_by_the_clock("instances:measure_all", lock="measure")
def measure_everything(context: JobContext, *, timestamp: int) -> None:
    measuring.measure_everything(services_of(context))


@_by_the_clock("jobs:forget", lock="forget", retry=None)
async def forget(context: JobContext, *, timestamp: int) -> None:
    await context.app.job_manager.delete_old_jobs(
        nb_hours=GIVEN_UP_KEPT_HOURS, include_failed=True, include_aborted=True
    )


AT_START = (reconcile_everything, recover_deliveries, flag_strays, measure_everything)
# Minutes first; the sixth field is seconds.
TIMES: dict[str, tuple[Task[Any, Any, Any], ...]] = {
    "*/10 * * * *": (reconcile_everything, recover_deliveries),
    f"* * * * * */{REAP_SECONDS}": (reap,),
    "5-55/10 * * * *": (measure_everything,),
    "7 * * * *": (flag_strays,),
    "17 3 * * *": (forget,),
}


def schedule() -> None:
    """Have a worker of this process queue them at their times; called once, before it starts."""
    for cron, tasks in TIMES.items():
        for task in tasks:
            app.periodic(cron=cron)(task)


async def queue_now() -> bool:
    """Queue what a worker that starts should do, unless it waits already; False if that failed.

    Whatever happened while no worker ran, or the state database was away, is made up for.
    """
    is_done = True
    for task in AT_START:
        try:
            await task.defer_async(timestamp=int(time.time()))
        except AlreadyEnqueued:
            continue
        except ConnectorException:
            log.exception("worker.not_queued", task=task.name)
            is_done = False
    return is_done


@contextmanager
def _if_configured() -> Iterator[None]:
    """Ends quietly when no GitHub App is configured: then there is nothing to look at."""
    try:
        yield
    except GitHubUnavailable as error:
        if error.code != NOT_CONFIGURED:
            raise

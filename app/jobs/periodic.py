"""What happens by the clock, once for all workers."""

import time
from collections.abc import Iterator
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


# A lock, so that two of these never run side by side; a queueing lock, so that never two wait.
@app.task(
    name="everything:reconcile",
    queue=DATABASES,
    lock="everything",
    queueing_lock="everything:reconcile",
    retry=RetryTransient(RETRY_BEHIND),
    pass_context=True,
)
def reconcile_everything(context: JobContext, *, timestamp: int) -> None:
    with _if_configured():
        housekeeping.reconcile_everything(services_of(context))


@app.task(
    name="deliveries:recover",
    queue=GITHUB,
    lock="deliveries",
    queueing_lock="deliveries:recover",
    retry=RetryTransient(RETRY),
    pass_context=True,
)
def recover_deliveries(context: JobContext, *, timestamp: int) -> None:
    with _if_configured():
        housekeeping.recover_deliveries(services_of(context), should_stop=context.should_abort)


@app.task(
    name="runs:reap",
    queue=DATABASES,
    lock="reap",
    queueing_lock="runs:reap",
    priority=5,  # quick, and what it asks for is urgent: no long line holds it up
    retry=RetryTransient(Retry(longest_seconds=REAP_SECONDS)),
    pass_context=True,
)
def reap(context: JobContext, *, timestamp: int) -> None:
    reaper.reap(services_of(context))


@app.task(
    name="databases:flag_strays",
    queue=DATABASES,
    lock="strays",
    queueing_lock="databases:flag_strays",
    retry=RetryTransient(RETRY_BEHIND),
    pass_context=True,
)
def flag_strays(context: JobContext, *, timestamp: int) -> None:
    strays.flag_all(services_of(context))


@app.task(
    name="instances:measure_all",
    queue=DATABASES,
    lock="measure",
    queueing_lock="instances:measure_all",
    retry=RetryTransient(RETRY_BEHIND),
    pass_context=True,
)
def measure_everything(context: JobContext, *, timestamp: int) -> None:
    measuring.measure_everything(services_of(context))


@app.task(
    name="jobs:forget",
    queue=DATABASES,
    lock="forget",
    queueing_lock="jobs:forget",
    pass_context=True,
)
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

"""The worker process: serves both queues, takes over what dead workers left."""

import asyncio
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any

import procrastinate
import structlog
from psycopg import OperationalError
from psycopg_pool import PoolTimeout

from app.jobs import comment_tasks, github_tasks, periodic, tasks
from app.jobs.listening import CarefulConnector
from app.jobs.queue import COMMENTS, DATABASES, GITHUB, app
from app.operations.services import Services
from app.store.connection import state_conninfo

log = structlog.get_logger()

CONCURRENCY = {DATABASES: 8, GITHUB: 4, COMMENTS: 2}
# A worker that is killed stops its heartbeat; its jobs are taken over after STALLED_SECONDS. Jobs
# may be repeated, and each holds its database's lock, so a worker thought dead does no harm.
HEARTBEAT_SECONDS = 1.0
STALLED_SECONDS = 4.0
# A freed lock is not notified, so the next job of that lock waits for the poll.
POLL_SECONDS = 0.25
RECONNECT_SECONDS = 1.0
GRACE_SECONDS = 30.0

__all__ = ["comment_tasks", "github_tasks", "periodic", "run_worker", "tasks"]


def run_worker(services: Services, dsn: str, *, on_start: Callable[[], None]) -> None:
    """Work until SIGTERM or SIGINT, then finish the jobs at hand; reconnects by itself.

    `on_start` is called once these signals are heeded.
    """
    periodic.schedule()
    asyncio.run(_run(services, dsn, on_start))


async def _run(services: Services, dsn: str, on_start: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    # Sync tasks run in the loop's executor, whose default is too small for our concurrency.
    loop.set_default_executor(ThreadPoolExecutor(sum(CONCURRENCY.values()) + 2))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    on_start()
    while not stop.is_set():
        try:
            await _serve(services, dsn, stop)
        except (OperationalError, PoolTimeout, procrastinate.exceptions.ConnectorException):
            log.warning("worker.state_database_lost", retry_in_seconds=RECONNECT_SECONDS)
        with suppress(TimeoutError):
            # procrastinate's worker also just returns when the state database restarts.
            await asyncio.wait_for(stop.wait(), RECONNECT_SECONDS)


async def _serve(services: Services, dsn: str, stop: asyncio.Event) -> None:
    connector = CarefulConnector(conninfo=state_conninfo(dsn), min_size=2, max_size=8)
    with app.replace_connector(connector):
        async with app.open_async():
            await periodic.queue_now()
            parts: list[asyncio.Task[Any]] = [
                asyncio.create_task(_work(queue, services)) for queue in CONCURRENCY
            ]
            parts += [asyncio.create_task(_take_over()), asyncio.create_task(stop.wait())]
            await asyncio.wait(parts, return_when=asyncio.FIRST_COMPLETED)
            for part in parts:
                part.cancel()
            results = await asyncio.gather(*parts, return_exceptions=True)
    for result in results:
        if isinstance(result, Exception):
            raise result


async def _work(queue: str, services: Services) -> None:
    await app.run_worker_async(
        queues=[queue],
        name=queue,
        concurrency=CONCURRENCY[queue],
        fetch_job_polling_interval=POLL_SECONDS,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=STALLED_SECONDS,
        shutdown_graceful_timeout=GRACE_SECONDS,
        delete_jobs="successful",
        install_signal_handlers=False,
        additional_context={"services": services},
    )


async def _take_over() -> None:
    """Queue again what killed workers were doing: procrastinate does not by itself."""
    while True:
        for job in await app.job_manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_SECONDS):
            log.warning("worker.job_taken_over", task=job.task_name, job=job.id)
            await app.job_manager.retry_job(job)
        await asyncio.sleep(HEARTBEAT_SECONDS)

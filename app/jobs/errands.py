"""Jobs that a command caused, done in its own process: it needs no worker."""

import asyncio
import logging
from collections.abc import Callable, Iterable, Sequence
from typing import Any, LiteralString

import procrastinate
from procrastinate import JobContext, exceptions
from procrastinate.jobs import Job
from procrastinate.worker import Worker

from app.core.queues import DATABASES, queue_of
from app.jobs import handlers
from app.jobs.ledger import Ledger
from app.jobs.moot import end_well
from app.jobs.queue import app as known
from app.jobs.worker import HEARTBEAT_SECONDS, STALLED_SECONDS
from app.operations.administration.instance_requests import Clusters
from app.operations.services import Services
from app.store.connection import state_conninfo

# The queue knows the tasks of modules that were imported.
__all__ = ["handlers", "work_off"]

# As a worker's own: two jobs of one lock never run at once, for a unique index.
_FETCH: LiteralString = """
    UPDATE procrastinate_jobs SET status = 'doing', worker_id = %(worker_id)s
    WHERE id = (
        SELECT id FROM procrastinate_jobs jobs
        WHERE status = 'todo' AND queue_name = ANY(%(queues)s) AND lock = ANY(%(locks)s)
            AND (scheduled_at IS NULL OR scheduled_at <= now())
            AND NOT EXISTS (
                SELECT FROM procrastinate_jobs others
                WHERE others.status = 'doing' AND others.lock = jobs.lock)
        ORDER BY priority DESC, id LIMIT 1 FOR UPDATE SKIP LOCKED)
    RETURNING procrastinate_jobs.*
"""


class _Errands(Ledger):
    """Gives out the jobs of some locks and no others."""

    def __init__(self, connector: procrastinate.PsycopgConnector, locks: Sequence[str]) -> None:
        super().__init__(connector=connector, knows=known.tasks)
        self._locks = list(locks)
        self.given = 0

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """None too when a worker was faster."""
        try:
            row = await self.connector.execute_query_one_async(
                query=_FETCH, queues=list(queues or ()), locks=self._locks, worker_id=worker_id
            )
        except (exceptions.NoResult, exceptions.UniqueViolation):
            return None
        self.given += 1
        return Job.from_row(row)


def work_off(services: Services, clusters: Clusters, dsn: str, *, locks: Sequence[str]) -> bool:
    """Do what waits under these locks and can be done on this machine; False: nothing did.

    What a worker has in hand is left to it, and what a dead one had is done. A job that fails is
    put back or given up as a worker's is, and raises what went wrong. Must not be called by a
    process that is a worker.
    """
    # Whoever waits is told what went wrong, and by more than a log.
    log = logging.getLogger("procrastinate")
    level = log.level
    log.setLevel(logging.CRITICAL)
    failures: list[BaseException] = []
    tools: handlers.Tools = {"services": services, "clusters": clusters}
    try:
        has_worked = asyncio.run(_work_off(tools, dsn, locks, failures))
    finally:
        log.setLevel(level)
    for failure in failures:
        raise failure
    return has_worked


async def _work_off(
    tools: handlers.Tools, dsn: str, locks: Sequence[str], failures: list[BaseException]
) -> bool:
    connector = procrastinate.PsycopgConnector(conninfo=state_conninfo(dsn), min_size=1, max_size=3)
    errands = _Errands(connector, locks)
    queue = procrastinate.App(connector=connector)
    queue.tasks, queue.job_manager = known.tasks, errands
    async with queue.open_async():
        await errands.take_over(seconds_since_heartbeat=STALLED_SECONDS)
        worker = Worker(
            app=queue,
            task_middleware=[_noting(failures)],
            queues=[DATABASES, queue_of(tools["services"].store.hosts.here)],
            name="command",
            wait=False,
            listen_notify=False,
            update_heartbeat_interval=HEARTBEAT_SECONDS,
            stalled_worker_timeout=STALLED_SECONDS,
            delete_jobs="successful",
            install_signal_handlers=False,
            additional_context={**tools},
        )
        await worker.run()  # type: ignore[no-untyped-call]
    return errands.given > 0


def _noting(failures: list[BaseException]) -> Callable[..., Any]:
    """Run a task as a worker does, and note what it raised, also where that counts as done."""

    def noting(call_next: Callable[[], Any], context: JobContext, worker: Worker) -> Any:
        def call() -> Any:
            try:
                return call_next()
            except BaseException as error:
                failures.append(error)
                raise

        return end_well(call, context, worker)

    return noting

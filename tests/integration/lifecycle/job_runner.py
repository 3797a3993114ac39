"""A worker that runs jobs when a story says so, over connections that last as long as the story."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Thread
from typing import Any

import procrastinate

from app.jobs.queue import app as queue
from app.jobs.queue import ledger
from app.operations.services import Services
from app.store.connection import state_conninfo


class JobRunner:
    """Runs the jobs that are due, as a worker does.

    Its loop never rests: a connection that is being opened would else keep PostgreSQL waiting,
    and with it whoever drops a database.
    """

    def __init__(self, dsn: str, services: Services, queues: list[str] | None) -> None:
        self.services = services
        self._queues = queues
        self._connector = procrastinate.PsycopgConnector(
            conninfo=state_conninfo(dsn), min_size=1, max_size=4
        )
        self._is_open = False
        self._loop = asyncio.new_event_loop()
        # In a thread: a test that drove a browser before this one has left its event loop here.
        self._thread = Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self) -> None:
        """Run them until none is due; those of dead workers too."""
        asyncio.run_coroutine_threadsafe(self._run(), self._loop).result()

    def close(self) -> None:
        """Close the connections."""
        asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _run(self) -> None:
        if not self._is_open:
            await self._connector.open_async()
            self._is_open = True
        with queue.replace_connector(self._connector):
            await ledger.take_over(seconds_since_heartbeat=0)
            named: dict[str, Any] = {"queues": self._queues} if self._queues else {}
            await queue.run_worker_async(
                **named,
                wait=False,
                concurrency=4,
                listen_notify=False,
                install_signal_handlers=False,
                delete_jobs="successful",
                additional_context={"services": self.services},
            )

    async def _close(self) -> None:
        if self._is_open:
            await self._connector.close_async()
        # The threads that tasks ran in.
        await self._loop.shutdown_default_executor()


@contextmanager
def open_job_runner(
    dsn: str, services: Services, *, queues: list[str] | None = None
) -> Iterator[JobRunner]:
    """One for these services and queues, whose connections are closed at the end."""
    runner = JobRunner(dsn, services, queues)
    try:
        yield runner
    finally:
        runner.close()

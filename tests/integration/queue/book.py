"""A ledger on a state database, with workers that do what a test says."""

import asyncio
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from threading import Thread
from typing import Any, TypeVar

import procrastinate
from procrastinate.jobs import Job, Status
from psycopg import Connection, connect
from psycopg.rows import DictRow, dict_row
from psycopg.types.json import Jsonb

from app.core.queues import DATABASES
from app.jobs import handlers, periodic
from app.jobs.ledger import Ledger
from app.jobs.queue import app
from app.store.connection import state_conninfo

__all__ = ["handlers", "periodic"]

T = TypeVar("T")
STALLED_SECONDS = 4.0


@dataclass(kw_only=True)
class Book:
    """The ledger of one worker process, and a session that looks at what is written."""

    ledger: Ledger
    loop: asyncio.AbstractEventLoop
    state: Connection[DictRow]

    def do(self, act: Coroutine[Any, Any, T]) -> T:
        return asyncio.run_coroutine_threadsafe(act, self.loop).result(60)

    def worker(self) -> int:
        """One that has just begun."""
        return self.do(self.ledger.register_worker())

    def fetch(self, worker: int, queue: str = DATABASES) -> Job | None:
        return self.do(self.ledger.fetch_job([queue], worker))

    def fetched(self, worker: int, queue: str = DATABASES) -> Job:
        job = self.fetch(worker, queue)
        assert job is not None
        return job

    def finish(self, job: Job, status: Status = Status.SUCCEEDED) -> None:
        is_done = status is Status.SUCCEEDED
        self.do(self.ledger.finish_job(job, status, is_done))

    def take_over(self) -> None:
        assert self.do(self.ledger.take_over(seconds_since_heartbeat=STALLED_SECONDS))

    def silence(self, worker: int) -> None:
        """It gave its last sign of life long ago."""
        self.state.execute(
            "UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1 minute'"
            " WHERE id = %s",
            [worker],
        )

    def cross_out(self, worker: int) -> None:
        """As a worker that begins does with one that is silent."""
        self.state.execute("DELETE FROM procrastinate_workers WHERE id = %s", [worker])

    def add(self, task: str, *, queue: str = DATABASES, **columns: Any) -> int:
        """A job that waits, with these columns of its row."""
        given: dict[str, Any] = {"lock": None, "queueing_lock": None, "args": {}, "priority": 0}
        given |= {"attempts": 0} | columns
        row = self.state.execute(
            "INSERT INTO procrastinate_jobs"
            " (queue_name, task_name, lock, queueing_lock, args, priority, attempts)"
            " VALUES (%(queue)s, %(task)s, %(lock)s, %(queueing_lock)s, %(args)s, %(priority)s,"
            " %(attempts)s) RETURNING id",
            {**given, "args": Jsonb(given["args"]), "queue": queue, "task": task},
        ).fetchone()
        assert row is not None
        return int(row["id"])

    def jobs(self) -> dict[int, str]:
        rows = self.state.execute("SELECT id, status FROM procrastinate_jobs ORDER BY id")
        return {row["id"]: row["status"] for row in rows}


@contextmanager
def open_book(dsn: str) -> Iterator[Book]:
    """With a loop in a thread of its own: a test that drove a browser may have left one in ours."""
    loop = asyncio.new_event_loop()
    thread = Thread(target=loop.run_forever, daemon=True)
    thread.start()
    connector = procrastinate.PsycopgConnector(
        conninfo=state_conninfo(dsn), min_size=1, max_size=2, timeout=1.0
    )
    with connect(state_conninfo(dsn), autocommit=True, row_factory=dict_row) as state:
        book = Book(ledger=Ledger(connector=connector, knows=app.tasks), loop=loop, state=state)
        book.do(connector.open_async())
        try:
            yield book
        finally:
            book.do(connector.close_async())
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
            loop.close()

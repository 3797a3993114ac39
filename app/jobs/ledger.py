"""The queue's book: jobs are given out, ended and taken over one by one.

Procrastinate's worker ends when a statement of its own fails, whatever the reason. Here such a
failure is logged with its cause and tried again, so that no job and no hour without a state
database ends a worker.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Container, Iterable
from datetime import datetime, timedelta
from typing import Any, LiteralString, TypeVar

import structlog
from procrastinate import exceptions, utils
from procrastinate.jobs import Job, Status
from procrastinate.manager import JobManager, NotificationCallback
from psycopg import errors

from app.jobs.retry import MAX_ATTEMPTS, backoff_seconds
from app.jobs.shares import FETCH, FETCH_IN_SHARES, SHARES

log = structlog.get_logger()

T = TypeVar("T")
PAUSE_SECONDS = 1.0
NOTED_SECONDS = 5.0

# A job that killed several workers waits longer each time, so that others get their turn.
_DEATHS_AT_ONCE = 3
_LONGEST_WAIT_SECONDS = 60

# A job is in the hands of whoever fetched it at this number of attempts: each time that it is put
# back the number grows. A worker that slept while another took its job over ends nothing by it.
_FINISH: LiteralString = """
    WITH mine AS (
        SELECT id FROM procrastinate_jobs
        WHERE id = %(job_id)s AND status = 'doing' AND attempts = %(attempts)s FOR UPDATE
    )
    SELECT procrastinate_finish_job_v1(id, %(status)s, %(delete_job)s) FROM mine
"""
_RETRY: LiteralString = """
    WITH mine AS (
        SELECT id FROM procrastinate_jobs
        WHERE id = %(job_id)s AND status = 'doing' AND attempts = %(attempts)s FOR UPDATE
    )
    SELECT procrastinate_retry_job_v2(id, %(retry_at)s, %(priority)s, %(queue)s, %(lock)s)
    FROM mine
"""
# One that waits under the same queueing lock does all that this one would.
_TAKE_OVER: LiteralString = """
    WITH dead AS (
        SELECT id, queueing_lock FROM procrastinate_jobs jobs
        WHERE id = %(job_id)s AND status = 'doing' AND attempts = %(attempts)s
            AND NOT EXISTS (
                SELECT FROM procrastinate_workers workers WHERE workers.id = jobs.worker_id
                    AND last_heartbeat >= now() - make_interval(secs => %(seconds)s))
        FOR UPDATE SKIP LOCKED
    ), dropped AS (
        DELETE FROM procrastinate_jobs WHERE id IN (
            SELECT dead.id FROM dead JOIN procrastinate_jobs waiting USING (queueing_lock)
            WHERE waiting.status = 'todo')
        RETURNING id
    ), put_back AS (
        UPDATE procrastinate_jobs
        SET status = 'todo', attempts = attempts + 1, abort_requested = false,
            scheduled_at = now() + make_interval(secs => %(wait)s)
        WHERE id IN (SELECT id FROM dead) AND id NOT IN (SELECT id FROM dropped)
        RETURNING id
    )
    SELECT 'dropped' AS how FROM dropped UNION ALL SELECT 'put back' FROM put_back
"""
# Also after another worker has crossed this one out, as it does with one that slept.
_SIGN: LiteralString = """
    INSERT INTO procrastinate_workers (id, last_heartbeat) OVERRIDING SYSTEM VALUE
    VALUES (%(worker_id)s, now()) ON CONFLICT (id) DO UPDATE SET last_heartbeat = now()
"""
# Jobs of no worker are taken over like those of a dead one.
_LET_GO: LiteralString = """
    UPDATE procrastinate_jobs SET worker_id = NULL
    WHERE status = 'doing' AND worker_id = %(worker_id)s AND id <> ALL (%(in_hand)s::bigint[])
"""
# So that a queue that stands still is seen, also when its workers are gone without a trace. Nobody
# waits for another who writes the same.
_ACTIVE: LiteralString = """
    WITH free AS (
        SELECT queue_name FROM queue_activity WHERE queue_name = %(queue)s FOR UPDATE SKIP LOCKED
    )
    UPDATE queue_activity AS activity SET asked_at = now(),
        fetched_at = CASE WHEN %(is_fetched)s THEN now() ELSE activity.fetched_at END
    FROM free WHERE free.queue_name = activity.queue_name
"""


class Ledger(JobManager):
    """Procrastinate's manager of jobs; `knows` holds the names of this process's tasks."""

    def __init__(self, *, connector: Any, knows: Container[str]) -> None:
        super().__init__(connector)
        self._knows = knows
        self._failing: set[str] = set()
        self._in_hand: set[int | None] = set()
        self._unsure: set[int] = set()
        """Workers whose last question was not answered: perhaps they were given a job."""
        self._silent_until: dict[tuple[str, bool], float] = {}
        self.is_ending = False
        """Nobody waits for a state database that is away when the process is to end."""

    async def fetch_job(self, queues: Iterable[str] | None, worker_id: int) -> Job | None:
        """None too when it could not be asked for: the worker asks again by itself."""
        named = None if queues is None else list(queues)
        shares = next((SHARES[one] for one in named or [] if one in SHARES), None)
        try:
            if worker_id in self._unsure:
                await self._let_go(worker_id)
            row = await self.connector.execute_query_one_async(
                query=FETCH if shares is None else FETCH_IN_SHARES,
                queues=named,
                worker_id=worker_id,
                **(shares or {}),
            )
        except exceptions.NoResult:
            row = None
        except exceptions.UniqueViolation:
            return None  # another worker was faster with a job of the same lock
        except exceptions.ConnectorException as error:
            self._unsure.add(worker_id)
            await self._failed_to("fetch a job", error)
            if isinstance(error.__cause__, errors.ForeignKeyViolation):
                await self.update_heartbeat(worker_id)
            return None
        self._works("fetch a job")
        job = Job.from_row(row) if row and row["id"] is not None else None
        if job is not None:
            self._in_hand.add(job.id)
        for queue in named or []:
            await self._note_activity(queue, is_fetched=job is not None)
        return job

    async def _note_activity(self, queue: str, *, is_fetched: bool) -> None:
        """Write down that work goes on, now and then: who reads it looks for minutes of silence."""
        now = time.monotonic()
        if now < self._silent_until.get((queue, is_fetched), 0.0):
            return
        self._silent_until[queue, is_fetched] = now + NOTED_SECONDS
        try:
            await self.connector.execute_query_async(
                query=_ACTIVE, queue=queue, is_fetched=is_fetched
            )
        except exceptions.ConnectorException as error:
            await self._failed_to("note that work goes on", error)
        else:
            self._works("note that work goes on")

    async def finish_job(self, job: Job, status: Status, delete_job: bool) -> None:  # noqa: FBT001
        """Note how it ended, however long that takes, unless it is in other hands by now."""
        if job.task_name not in self._knows and job.attempts < MAX_ATTEMPTS:
            # A worker of another version may know it.
            wait = timedelta(seconds=backoff_seconds(job.attempts))
            await self.retry_job(job, retry_at=utils.utcnow() + wait)
        else:
            await self._write(_FINISH, job, status=status.value, delete_job=delete_job)

    async def retry_job(
        self,
        job: Job,
        retry_at: datetime | None = None,
        priority: int | None = None,
        queue: str | None = None,
        lock: str | None = None,
    ) -> None:
        """Put it back, or drop it where one of the same queueing lock waits already."""
        try:
            await self._write(
                _RETRY,
                job,
                retry_at=retry_at or utils.utcnow(),
                priority=priority,
                queue=queue,
                lock=lock,
            )
        except exceptions.UniqueViolation:
            await self._write(_FINISH, job, status=Status.ABORTED.value, delete_job=True)

    async def take_over(self, *, seconds_since_heartbeat: float) -> bool:
        """Put back what dead workers were doing, each job for itself; False if none could be seen.

        Procrastinate does not by itself.
        """
        try:
            stalled = await self.get_stalled_jobs(seconds_since_heartbeat=seconds_since_heartbeat)
        except exceptions.ConnectorException as error:
            await self._failed_to("look for jobs of dead workers", error)
            return False
        self._works("look for jobs of dead workers")
        for job in stalled:
            await self._take_over(job, seconds_since_heartbeat)
        return True

    async def _take_over(self, job: Job, seconds: float) -> None:
        wait = 0
        if job.attempts >= _DEATHS_AT_ONCE:
            wait = min(backoff_seconds(job.attempts), _LONGEST_WAIT_SECONDS)
        try:
            rows = await self.connector.execute_query_all_async(
                query=_TAKE_OVER,
                job_id=job.id,
                attempts=job.attempts,
                seconds=seconds,
                wait=wait,
            )
        except exceptions.ConnectorException:
            # Such as another one that began to wait in this moment: the next look tells.
            log.exception("worker.job_not_taken_over", task=job.task_name, job=job.id)
            return
        for row in rows:
            log.warning("worker.job_taken_over", task=job.task_name, job=job.id, how=row["how"])

    async def defer_periodic_job(
        self, job: Job, periodic_id: str, defer_timestamp: int
    ) -> int | None:
        """The same, tried until it is done."""
        # Of its own: three workers of this process share the arguments, and change them.
        own = job.evolve(task_kwargs={**job.task_kwargs, "timestamp": defer_timestamp})
        defer = super().defer_periodic_job
        return await self._patiently(
            f"queue {job.task_name}", lambda: defer(own, periodic_id, defer_timestamp)
        )

    async def update_heartbeat(self, worker_id: int) -> None:
        """Give a sign of life; when that fails, the next one is soon."""
        try:
            await self.connector.execute_query_async(query=_SIGN, worker_id=worker_id)
        except exceptions.ConnectorException as error:
            await self._failed_to("give a sign of life", error)
        else:
            self._works("give a sign of life")

    async def unregister_worker(self, worker_id: int) -> None:
        """Cross it out, so that nobody waits for it to be silent."""
        try:
            await super().unregister_worker(worker_id)
        except exceptions.ConnectorException as error:
            await self._failed_to("sign off", error)

    async def listen_for_jobs(
        self, *, on_notification: NotificationCallback, queues: Iterable[str] | None = None
    ) -> None:
        """Listen for ever; while nothing is heard, jobs are found by asking."""
        named = None if queues is None else list(queues)
        listen, what = super().listen_for_jobs, "listen for jobs"

        async def heard(**given: Any) -> None:
            self._works(what)  # it never returns while it does
            await on_notification(**given)

        while True:
            await self._patiently(what, lambda: listen(on_notification=heard, queues=named))
            await asyncio.sleep(PAUSE_SECONDS)

    async def list_jobs_to_abort_async(self, queue: str | None = None) -> Iterable[int]:
        """None: nothing here asks for that."""
        return []

    async def _let_go(self, worker_id: int) -> None:
        """Leave jobs that the worker was given without hearing of it to whoever takes them over."""
        await self.connector.execute_query_async(
            query=_LET_GO, worker_id=worker_id, in_hand=[one for one in self._in_hand if one]
        )
        self._unsure.discard(worker_id)

    async def _write(self, query: LiteralString, job: Job, **arguments: Any) -> None:
        rows = await self._patiently(
            f"note how {job.task_name} ended",
            lambda: self.connector.execute_query_all_async(
                query=query, job_id=job.id, attempts=job.attempts, **arguments
            ),
        )
        self._in_hand.discard(job.id)
        if not rows:
            log.warning("worker.job_in_other_hands", task=job.task_name, job=job.id)

    async def _patiently(self, what: str, act: Callable[[], Awaitable[T]]) -> T:
        while True:
            try:
                done = await act()
            except (exceptions.UniqueViolation, exceptions.AlreadyEnqueued):
                self._works(what)
                raise
            except exceptions.ConnectorException as error:
                await self._failed_to(what, error)
                if self.is_ending:
                    raise
            else:
                self._works(what)
                return done

    async def _failed_to(self, what: str, error: Exception) -> None:
        """Say so once, with the cause, and wait a little."""
        if what not in self._failing:
            self._failing.add(what)
            cause = error.__cause__ or error
            # Of a state database that is started again, where it was noticed says nothing.
            is_away = isinstance(cause, errors.OperationalError)
            why = {"problem": str(cause).split("\n")[0]} if is_away else {"exc_info": error}
            log.warning("worker.failed_to", what=what, cause=type(cause).__name__, **why)
        await asyncio.sleep(PAUSE_SECONDS)

    def _works(self, what: str) -> None:
        if what in self._failing:
            self._failing.discard(what)
            log.warning("worker.works_again", what=what)

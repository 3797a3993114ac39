"""The worker process: serves its queues, takes over what dead workers left."""

import asyncio
import json
import os
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from functools import partial
from pathlib import Path
from threading import Timer
from types import FrameType
from typing import Any

import procrastinate
import structlog
from procrastinate.connector import Notify
from procrastinate.worker import Worker
from psycopg import AsyncConnection

from app.core.errors import TransientError
from app.core.hosts import TwinHost
from app.core.queues import COMMENTS, DATABASES, GITHUB, queue_of
from app.jobs import handlers, periodic
from app.jobs.queue import app, ledger
from app.operations.administration.instance_requests import Clusters
from app.operations.services import Services
from app.store.connection import POOL_TIMEOUT_SECONDS, state_conninfo
from app.store.hosts import Hosts

log = structlog.get_logger()

CONCURRENCY = {DATABASES: 8, GITHUB: 4, COMMENTS: 2}
# A worker that is killed stops its heartbeat; its jobs are taken over after STALLED_SECONDS. Jobs
# may be repeated, and each holds its database's lock, so a worker thought dead does no harm.
HEARTBEAT_SECONDS = 1.0
STALLED_SECONDS = 4.0
# A freed lock is not notified, so the next job of that lock waits for the poll.
POLL_SECONDS = 0.25
RECONNECT_SECONDS = 1.0
SIGN_SECONDS = 5.0
GRACE_SECONDS = 30.0
# Python waits for the thread of a job however long that takes, such as one whose server answers no
# more. `serve` kills its worker before (35), systemd a worker of its own after that (90).
LAST_SECONDS = 45.0

__all__ = ["handlers", "periodic", "run_worker"]


def run_worker(
    services: Services, dsn: str, *, clusters: Clusters, on_start: Callable[[], None]
) -> None:
    """Work until SIGTERM or SIGINT, then finish the jobs at hand; reconnects by itself.

    A job that is not at its end LAST_SECONDS later is left to another worker, as after a crash.

    `on_start` is called once these signals are heeded.
    """
    periodic.schedule()
    # What tasks get.
    tools: handlers.Tools = {"services": services, "clusters": clusters}
    asyncio.run(_run(tools, dsn, on_start))


async def _run(tools: handlers.Tools, dsn: str, on_start: Callable[[], None]) -> None:
    loop = asyncio.get_running_loop()
    # Sync tasks run in the loop's executor, whose default is too small for our concurrency.
    loop.set_default_executor(ThreadPoolExecutor(sum(CONCURRENCY.values()) + 2))
    stop = asyncio.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, partial(_stop, stop))
    on_start()
    while not stop.is_set():
        try:
            await _serve(tools, dsn, stop)
        except Exception as error:  # such as a state database that does not answer yet
            cause = type(error.__cause__ or error).__name__
            log.warning("worker.not_started", cause=cause, exc_info=error)
        await _rest(stop)


def _stop(stop: asyncio.Event) -> None:
    if not stop.is_set():
        stop.set()
        last_resort = Timer(LAST_SECONDS, _leave)
        last_resort.daemon = True
        last_resort.start()


def _leave() -> None:
    log.error(
        "worker.jobs_left",
        advice="Another worker does them, or this one at its next start.",
        threads=[_place(frame) for frame in sys._current_frames().values()],
    )
    os._exit(0)  # it ends, as it was asked to


def _place(frame: FrameType) -> str:
    """Where a thread is, innermost first: names of functions and numbers of lines, no values."""
    frames = reversed(traceback.extract_stack(frame))
    return " < ".join(f"{one.name} ({Path(one.filename).name}:{one.lineno})" for one in frames)


async def _serve(tools: handlers.Tools, dsn: str, stop: asyncio.Event) -> None:
    """Work until told to stop; each part goes on or begins anew, whatever becomes of the others."""
    connector = CarefulConnector(
        conninfo=state_conninfo(dsn),
        min_size=2,
        max_size=8,
        timeout=POOL_TIMEOUT_SECONDS,
        configure=_commit_at_once,
    )
    with app.replace_connector(connector):
        async with app.open_async():
            # None is ever cancelled: a cancellation can get lost on the way through a library.
            await asyncio.gather(
                _keep("dead workers", partial(_look_after, stop), stop),
                _keep(
                    "sign of life", partial(_give_signs, tools["services"].store.hosts, stop), stop
                ),
                *(_keep(queue, partial(_work, queue, tools, stop), stop) for queue in CONCURRENCY),
            )


async def _commit_at_once(connection: AsyncConnection[Any]) -> None:
    """Each statement is whole: a process that is stopped between two of them holds no lock."""
    await connection.set_autocommit(True)


async def _keep(what: str, work: Callable[[], Awaitable[None]], stop: asyncio.Event) -> None:
    """Do it, and again when it ends or fails: the outermost function of each part."""
    while not stop.is_set():
        try:
            await work()
        except Exception:
            log.exception("worker.part_failed", part=what)
        else:
            if not stop.is_set():
                log.error("worker.part_ended", part=what)
        await _rest(stop)


async def _rest(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), RECONNECT_SECONDS)


async def _work(queue: str, tools: handlers.Tools, stop: asyncio.Event) -> None:
    queues = [queue]
    if queue == DATABASES:  # what is for the servers of this machine is done by the same threads
        queues.append(queue_of(tools["services"].store.hosts.here))
    worker = Worker(
        app=app,
        # A worker made by hand heeds nothing of this by itself.
        task_middleware=app.worker_defaults.get("task_middleware"),
        queues=queues,
        name=queue,
        concurrency=CONCURRENCY[queue],
        fetch_job_polling_interval=POLL_SECONDS,
        update_heartbeat_interval=HEARTBEAT_SECONDS,
        stalled_worker_timeout=STALLED_SECONDS,
        shutdown_graceful_timeout=GRACE_SECONDS,
        delete_jobs="successful",
        install_signal_handlers=False,
        additional_context={**tools},
    )
    ending = asyncio.create_task(_end(worker, stop))
    try:
        await worker.run()  # type: ignore[no-untyped-call]
    finally:
        ending.cancel()


async def _end(worker: Worker, stop: asyncio.Event) -> None:
    await stop.wait()
    ledger.is_ending = True
    worker.stop()  # type: ignore[no-untyped-call]


async def _look_after(stop: asyncio.Event) -> None:
    """Take over what dead workers were doing, and make up for the time without a state database."""
    is_behind = True
    while not stop.is_set():
        if not await ledger.take_over(seconds_since_heartbeat=STALLED_SECONDS):
            is_behind = True
        elif is_behind:
            is_behind = not await periodic.queue_now()
        await _rest(stop)


async def _give_signs(hosts: Hosts, stop: asyncio.Event) -> None:
    """Have others know that this machine's servers are looked after."""
    is_twin = False
    while not stop.is_set():
        with suppress(TransientError):  # the state database is away, and others say so
            try:
                await asyncio.to_thread(hosts.sign)
                is_twin = False
            except TwinHost as error:
                if not is_twin:
                    log.error("worker.twin", problem=str(error), advice=error.advice)  # noqa: TRY400
                is_twin = True
        with suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), SIGN_SECONDS)
    with suppress(TransientError):
        await asyncio.to_thread(hosts.release)


class CarefulConnector(procrastinate.PsycopgConnector):
    """Heeds nothing but "a job was added": anything else would end the worker or a job.

    Every login that may connect can speak on the channel of new jobs, and PostgreSQL cannot forbid
    that. What is made up costs a look at the queue; what is kept back is found by the next look,
    without being told.
    """

    async def listen_notify(self, on_notification: Notify, channels: Iterable[str]) -> None:
        async def heard(*, channel: str, payload: str) -> None:
            if is_of_a_job(payload):
                await on_notification(channel=channel, payload=payload)

        await super().listen_notify(on_notification=heard, channels=channels)


def is_of_a_job(payload: str) -> bool:
    """Whether it says that a job was added, in procrastinate's words."""
    try:
        notification = json.loads(payload)
    except (ValueError, RecursionError):
        return False
    return isinstance(notification, dict) and notification.get("type") == "job_inserted"

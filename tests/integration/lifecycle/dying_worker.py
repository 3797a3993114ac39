"""A worker that is killed before its n-th change; run as a process of its own.

Reads lines with the service's settings and an n. For each it forks a worker, which works until no
job is due or the n-th call comes, and answers `killed` or `finished`.
"""

import asyncio
import json
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import procrastinate

from app import bootstrap
from app.config import Config
from app.github import adapter
from app.jobs import handlers
from app.jobs.queue import app as queue
from app.operations.services import Services
from app.postgres.server import PostgresServer
from app.store.connection import state_conninfo

__all__ = ["adapter", "handlers"]  # imported once, before any fork

PARTS = (
    "instances",
    "apps",
    "databases",
    "dormant_branches",
    "repositories",
    "checks",
    "outbox",
    "queue",
)

# A death before one of these leaves what a death before the next change leaves. (A lock ends with
# whoever holds it.)
READS = (
    "all",
    "assignment",
    "assignments",
    "branch",
    "compare",
    "current_template",
    "exclusively",
    "failed_commit",
    "get",
    "live",
    "open_pull_requests",
    "password",
    "sealed_templates",
)


class Countdown:
    """Kills this process before the n-th call."""

    def __init__(self, calls: int) -> None:
        self._left = calls

    def step(self) -> None:
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)


class Counted:
    """A part whose calls are counted, but for those that only read."""

    def __init__(self, part: object, countdown: Countdown) -> None:
        self._part = part
        self._countdown = countdown

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._part, name)
        is_counted = callable(value) and name not in READS
        return counted(value, self._countdown) if is_counted else value


def counted(function: Callable[..., Any], countdown: Countdown) -> Callable[..., Any]:
    def call(*arguments: Any, **options: Any) -> Any:
        countdown.step()
        return function(*arguments, **options)

    return call


def mortal(services: Services, countdown: Countdown) -> Services:
    """The same services with every part counted, and every step on a server."""
    run_step = PostgresServer._run_step
    PostgresServer._run_step = counted(run_step, countdown)  # type: ignore[method-assign]
    parts: dict[str, Any] = {
        name: Counted(getattr(services.store, name), countdown) for name in PARTS
    }
    github: Any = Counted(services.github, countdown)
    store = replace(services.store, **parts)
    return replace(services, github_of_app=lambda: github, store=store)


def main() -> None:
    for line in sys.stdin:
        settings, calls = json.loads(line)
        pid = os.fork()
        if pid == 0:
            run(Config.from_environ(settings), Countdown(calls))
            os._exit(0)
        _, status = os.waitpid(pid, 0)
        print("killed" if os.WIFSIGNALED(status) else f"finished {status}", flush=True)


def run(config: Config, countdown: Countdown) -> None:
    with (
        bootstrap.open_state(config) as state,
        bootstrap.open_services(config, state, bootstrap.clusters(config)) as services,
    ):
        asyncio.run(work(mortal(services, countdown), state.dsn))


async def work(services: Services, dsn: str) -> None:
    """Jobs one after the other, so that the n-th call is the same each time."""
    connector = procrastinate.PsycopgConnector(conninfo=state_conninfo(dsn), min_size=1, max_size=2)
    with queue.replace_connector(connector):
        async with queue.open_async():
            await queue.run_worker_async(
                wait=False,
                concurrency=1,
                listen_notify=False,
                install_signal_handlers=False,
                delete_jobs="successful",
                additional_context={"services": services},
            )


if __name__ == "__main__":
    main()

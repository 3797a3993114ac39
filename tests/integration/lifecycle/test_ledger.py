"""The queue's book: what becomes of jobs whose worker died, slept, or could not write."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from typing import Any

import procrastinate
import pytest
from procrastinate.jobs import Job, Status

from app.core.errors import ServerUnreachable
from app.jobs.ledger import Ledger
from app.jobs.queue import app as queue
from app.jobs.retry import MAX_ATTEMPTS, RetryTransient
from app.store.connection import state_conninfo
from tests.integration.lifecycle.world import World

Act = Callable[[Ledger], Awaitable[Any]]


@contextmanager
def loop() -> Iterator[asyncio.Runner]:
    with asyncio.Runner() as runner:
        yield runner


def with_ledger(world: World, act: Act) -> Any:
    """Do it with a ledger of its own, as another worker has one."""

    async def run() -> Any:
        connector = procrastinate.PsycopgConnector(
            conninfo=state_conninfo(world.dsn), min_size=1, max_size=2
        )
        async with connector_open(connector):
            return await act(Ledger(connector=connector, knows=queue.tasks))

    with loop() as runner:
        return runner.run(run())


class connector_open:  # noqa: N801
    def __init__(self, connector: procrastinate.PsycopgConnector) -> None:
        self._connector = connector

    async def __aenter__(self) -> None:
        await self._connector.open_async()

    async def __aexit__(self, *_: object) -> None:
        await self._connector.close_async()

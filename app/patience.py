"""How long the request at hand may still wait for others: those who ask have little time.

Whoever answers a request begins with `limited`. The adapters that wait for a lock, for a server of
tenants or for GitHub take the time that this costs from it with `spent`. Jobs have no limit here:
theirs are the adapters' own.
"""

import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from enum import Enum, auto
from types import MappingProxyType

from app.core.errors import TransientError

_ASK_AGAIN_SECONDS = 2


class StillBusy(TransientError):
    """What the request waited for is not to be had at this moment; it changed nothing for good."""

    code = "busy"
    http_status = 409
    advice = "Nothing to do but to ask again in a moment."
    retry_after_seconds = _ASK_AGAIN_SECONDS


class Waiting(Enum):
    """What is waited for; each has a time of its own."""

    FOR_DATABASES = auto()
    """Locks, and the servers of tenants."""
    FOR_GITHUB = auto()


@dataclass(slots=True)
class _Budget:
    left_seconds: float
    over_at: float | None = None
    """While time is spent: when nothing will be left."""


_budgets: ContextVar[Mapping[Waiting, _Budget]] = ContextVar(
    "budgets", default=MappingProxyType({})
)


@contextmanager
def limited(*, databases_seconds: float, github_seconds: float) -> Iterator[None]:
    """Let everything in this block, in this thread, wait no longer than this in all."""
    databases, github = _Budget(databases_seconds), _Budget(github_seconds)
    token = _budgets.set({Waiting.FOR_DATABASES: databases, Waiting.FOR_GITHUB: github})
    try:
        yield
    finally:
        _budgets.reset(token)


@contextmanager
def longer(*, databases_seconds: float) -> Iterator[None]:
    """Give what is asked of databases in this block a time of its own, for who waits and knows.

    Where nobody is in a hurry nothing changes.
    """
    budgets = _budgets.get()
    if not budgets:
        yield
        return
    token = _budgets.set({**budgets, Waiting.FOR_DATABASES: _Budget(databases_seconds)})
    try:
        yield
    finally:
        _budgets.reset(token)


def is_limited() -> bool:
    """Whether somebody waits for an answer."""
    return bool(_budgets.get())


def left(most: float, waiting: Waiting = Waiting.FOR_DATABASES) -> float:
    """For how many seconds to wait, `most` where nobody is in a hurry."""
    budget = _budgets.get().get(waiting)
    if budget is None:
        return most
    if budget.over_at is None:
        return min(most, budget.left_seconds)
    return min(most, budget.over_at - time.monotonic())


@contextmanager
def spent(doing: str, waiting: Waiting = Waiting.FOR_DATABASES) -> Iterator[None]:
    """Take the time of this block from what is left.

    Raises StillBusy instead of beginning when nothing is; `doing` begins the message.
    """
    budget = _budgets.get().get(waiting)
    if budget is None or budget.over_at is not None:
        yield
        return
    if budget.left_seconds <= 0:
        raise StillBusy(f"{doing}: it takes too long at the moment.")
    started_at = time.monotonic()
    budget.over_at = started_at + budget.left_seconds
    try:
        yield
    finally:
        budget.over_at = None
        budget.left_seconds -= time.monotonic() - started_at

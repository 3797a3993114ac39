"""What operations ask of the state database about work to do and work done.

Each method is one transaction. Those that take `then` queue these jobs in it.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol

from app.core.intents import Intent


class Queue(Protocol):
    """The queue, for jobs that go with no row."""

    def add(self, intents: Sequence[Intent]) -> None: ...

    def waiting(self) -> Mapping[str, int]:
        """How many jobs wait or run, by queue."""


class Audit(Protocol):
    """Who did what."""

    def record(self, actor: str, action: str, subject: str, *, detail: str = "") -> None: ...

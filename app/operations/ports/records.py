"""What operations ask of the state database about work to do and work done.

Each method is one transaction. Those that take `then` queue these jobs in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.core.intents import Intent
from app.core.queues import Traffic


class Queue(Protocol):
    """The queue, for jobs that go with no row."""

    def add(self, intents: Sequence[Intent]) -> None: ...

    def waiting(self) -> Mapping[str, int]:
        """How many jobs wait or run, by queue."""

    def traffic(self) -> Traffic:
        """How work goes on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the trail."""

    id: int
    at: datetime
    actor: str
    action: str
    subject: str
    detail: str
    source: str
    """An address, `command line`, or where at GitHub: `comment`, `check run`."""


class Audit(Protocol):
    """Who did what, when, and from where."""

    def record(
        self, actor: str, action: str, subject: str, *, detail: str = "", source: str = ""
    ) -> None: ...

    def latest(
        self,
        *,
        limit: int = 100,
        before: int | None = None,
        containing: str = "",
        actions: Sequence[str] = (),
    ) -> Sequence[AuditEntry]:
        """The newest entries, newest first; with `before` those older than the entry of that id.

        With `containing` only those that have the text somewhere, compared without case, and those
        of `actions`.
        """

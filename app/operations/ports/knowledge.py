"""What operations ask of the state database about GitHub: what was heard of it last.

Each method is one transaction. Those that take `then` queue these jobs in it.
"""

from dataclasses import dataclass
from typing import Protocol

from app.core.events import Event


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook request, verified."""

    guid: str
    event: str
    action: str | None


class Deliveries(Protocol):
    """Webhook requests that were taken in."""

    def record(self, delivery: Delivery, event: Event | None) -> str:
        """Store the delivery and queue what it asks for; durable when this returns.

        Returns `queued`, `nothing`, `ignored` (an event that is not handled) or `duplicate`.
        """

    def has(self, guid: str) -> bool: ...

    def forget(self, *, older_than_days: int) -> None:
        """Delete old rows; GitHub redelivers for three days only."""

"""The state database itself, as far as people have to look after it."""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class StateAccess:
    """Who may connect to the state database."""

    database: str
    is_open: bool
    """Every login of its server may connect, and there are others than the service's."""
    closing: str
    """The SQL with which its owner keeps them out."""
    system_identifier: str | None
    """Which cluster its server is; None: the service may not know."""


class State(Protocol):
    """Looks; changes nothing."""

    def access(self) -> StateAccess: ...

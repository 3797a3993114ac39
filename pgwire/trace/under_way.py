"""What a client asked for and the server has not answered yet. Tuples: there are thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Union

if TYPE_CHECKING:
    from pgwire.trace import look
    from pgwire.trace.journal import Record


class Statement(NamedTuple):
    """A statement of the client."""

    record: Record
    portal: bytes | None = None
    is_converted: bool = False
    """It came as a simple Query and went as an extended one."""
    is_last: bool = False
    """It is not complete before its transaction is, and a look stands between."""


class Look(NamedTuple):
    """A question of ours; without a record, the end of what it had prepared."""

    record: Record | None
    closes: int
    """It ends with so many messages CloseComplete, or, where 0, with CommandComplete."""
    number: int = 0
    """Which one it is of those that leave the question prepared."""


class FlightEnd(NamedTuple):
    """The server will say ReadyForQuery."""

    is_sync: bool = False
    """Asked for by Sync, which is not answered while rows are copied in."""
    query: look.Sent | None = None


class CopyEnd:
    """The client says that there are no more rows to copy."""


Item = Union[Statement, Look, FlightEnd, CopyEnd]

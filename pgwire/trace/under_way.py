"""What a client asked for and the server has not answered yet. Tuples: there are thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple, Union

if TYPE_CHECKING:
    from collections import deque

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


def copied_whole(queue: deque[Item]) -> bool:
    """Take out what is not answered, as rows are copied in; says whether their end came already.

    That is each Sync between Execute and the end of the rows.
    """
    behind = list(queue)[1:]
    syncs = next((n for n, item in enumerate(behind) if not _is_sync(item)), len(behind))
    is_ended = any(isinstance(item, CopyEnd) for item in behind[syncs : syncs + 1])
    for _ in range(syncs + is_ended):
        del queue[1]
    return is_ended


def _is_sync(item: Item) -> bool:
    return isinstance(item, FlightEnd) and item.is_sync

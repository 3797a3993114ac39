"""The look: a statement behind a user's, in the same flight, that reads what its session locks.

Locks live until their transaction ends. With the extended protocol that is at Sync, and within a
Query at its end: so a look before it sees all, costs no round trip, and is the session's own.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgwire import messages

if TYPE_CHECKING:
    from collections.abc import Sequence

NAME = b"coppice"
"""Of its prepared statement and portal, which live as long as the look."""

# Each operator and function is qualified: search paths are the user's. No pg_relation_size or the
# like: they wait behind the very lock, which pg_relation_filenode does not; of what was dropped it
# is null. The function below pg_locks, as planning the view costs as much again. There is always a
# row, for its first column: microseconds since the message came.
QUESTION = b"""SELECT t.us, l.relation, l.mode, pg_catalog.pg_relation_filenode(l.relation)
FROM (SELECT pg_catalog.int8(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()
  OPERATOR(pg_catalog.-) pg_catalog.statement_timestamp())
  OPERATOR(pg_catalog.*) '1000000'::pg_catalog.float8) AS us) AS t
LEFT JOIN pg_catalog.pg_lock_status() AS l
ON l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid() AND l.granted
  AND l.relation OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
  AND l.locktype OPERATOR(pg_catalog.=) 'relation'
  AND l.mode OPERATOR(pg_catalog.<>) 'AccessShareLock'"""

_SYNC = messages.frame(b"S", b"")
_FLUSH = messages.frame(b"H", b"")
_CLOSE_STATEMENT = messages.frame(b"C", b"S" + NAME + b"\0")
_CLOSE_PORTAL = messages.frame(b"C", b"P" + NAME + b"\0")

# Flush, so that the end of the user's statement is heard when it happens. The first Close is for a
# look that was cancelled between its Parse and its last Close: a name can be taken once.
EXTENDED = b"".join(
    (
        _FLUSH,
        _CLOSE_STATEMENT,
        messages.frame(b"P", NAME + b"\0" + QUESTION + b"\0\0\0"),
        messages.frame(b"B", NAME + b"\0" + NAME + b"\0\0\0\0\0\0\0"),
        messages.frame(b"E", NAME + b"\0\0\0\0\0"),
        _CLOSE_PORTAL,
        _CLOSE_STATEMENT,
    )
)
CLOSES = 3
"""So many messages CloseComplete belong to it; the last one is its end."""
IN_QUERY = QUESTION + b";"
"""Between the statements of a Query. It ends with its CommandComplete."""


@dataclass(frozen=True)
class Seen:
    """What a look saw."""

    microseconds: int
    """From the arrival of the message it came with to the look."""
    locks: tuple[tuple[int, str, int | None], ...]
    """Object identifier, name of the mode, and file number, which what was dropped has not."""


def seen(rows: Sequence[messages.Message]) -> Seen:
    """Read the rows of a look."""
    microseconds = 0
    locks = []
    for row in rows:
        time, relation, mode, file_number = messages.row(row)
        microseconds = int(time or 0)
        if relation is not None and mode is not None:
            locks.append(
                (int(relation), mode_name(mode), None if file_number is None else int(file_number))
            )
    return Seen(microseconds, tuple(locks))


def mode_name(mode: str) -> str:
    """Give a mode the name that LOCK TABLE and the documentation have: `ACCESS EXCLUSIVE`.

    https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
    """
    name = mode[:-4] if mode.endswith("Lock") else mode
    return "".join(f" {sign}" if sign.isupper() else sign for sign in name).strip().upper()


def converted(text: bytes) -> bytes:
    """Make the single statement of a simple Query one of the extended protocol, with a look.

    As the first of its flight it is at top level still: CALL and DO may commit, VACUUM may run.
    """
    return b"".join(
        (
            messages.frame(b"P", b"\0" + text + b"\0\0\0"),
            messages.frame(b"B", b"\0\0\0\0\0\0\0\0"),
            messages.frame(b"D", b"P\0"),
            messages.frame(b"E", b"\0\0\0\0\0"),
            EXTENDED,
            _SYNC,
        )
    )


@dataclass(frozen=True)
class Sent:
    """A Query with looks in it."""

    text: bytes
    looks: tuple[tuple[int, int], ...] = ()
    """Start and length of what was put in, in bytes of the text."""

    def original(self, position: int) -> int:
        """Say where a position in this is in the text without looks; both count characters."""
        moved = position
        for start, length in self.looks:
            before = len(self.text[:start].decode("utf-8", "replace"))
            if position > before:
                moved -= length
        return moved


def with_looks(text: bytes, ends: Sequence[int]) -> Sent:
    """Put looks into a Query, behind the statements that end there."""
    pieces = []
    looks = []
    begun = length = 0
    for end in ends:
        is_closed = end < len(text)
        piece = text[begun : end + 1]
        added = IN_QUERY if is_closed else b"\n;" + IN_QUERY  # a comment may be the last thing
        pieces += [piece, added]
        looks.append((length + len(piece), len(added)))
        length += len(piece) + len(added)
        begun = end + 1
    pieces.append(text[begun:])
    return Sent(b"".join(pieces), tuple(looks))

"""The look: a statement behind a user's, in the same flight, that reads what its session locks.

Locks live until their transaction ends. With the extended protocol that is at Sync, and within a
Query at its end: so a look before it sees all, costs no round trip, and is the session's own.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from pgwire import messages
from pgwire.client import LoginRefused

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgwire.client import Session

NAME = b"coppice"
"""Of its prepared statement and portal."""

# Each operator and function is qualified: search paths are the user's. No pg_relation_size or the
# like: they wait behind the very lock, which pg_relation_filenode does not; of what was dropped it
# is null. The function below pg_locks, as planning the view costs as much again. Each transaction
# has the lock on its own number, in whose row stands what is said once: the process, microseconds
# since the message came, and what its session had written when it was last asked to publish that.
# All in one row: in a long transaction there are thousands of them, behind each statement.
_QUESTION = b"""SELECT pg_catalog.string_agg(
CASE WHEN l.relation IS NULL THEN pg_catalog.concat('own ', l.pid, ' ',
  pg_catalog.int8(pg_catalog.date_part('epoch', pg_catalog.clock_timestamp()
  OPERATOR(pg_catalog.-) pg_catalog.statement_timestamp())
  OPERATOR(pg_catalog.*) '1000000'::pg_catalog.float8)%s)
ELSE pg_catalog.concat(l.mode, ' ', l.relation, ' ', pg_catalog.pg_relation_filenode(l.relation))
END, ','::pg_catalog.text) FROM pg_catalog.pg_lock_status() AS l
WHERE l.pid OPERATOR(pg_catalog.=) pg_catalog.pg_backend_pid()
  AND (l.locktype OPERATOR(pg_catalog.=) 'virtualxid'
  OR l.locktype OPERATOR(pg_catalog.=) 'relation'
  AND l.relation OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid
  AND l.mode OPERATOR(pg_catalog.<>) 'AccessShareLock')"""
# Of PostgreSQL 18 and newer. It publishes outside of transactions alone, and says nothing then.
_WRITTEN = b""", ' ', (pg_catalog.pg_stat_get_backend_wal(l.pid)).wal_bytes,
  pg_catalog.pg_stat_force_next_flush()"""
_OWN = "own"
_PREDICATE = "SIReadLock"
"""Of serializable transactions: nobody waits for it."""

_SYNC = messages.frame(b"S", b"")
FLUSH = messages.frame(b"H", b"")
"""Behind a look: both are heard when they happen, and not when their transaction has ended."""
_RUN = b"".join(
    (
        messages.frame(b"B", b"\0\0\0\0\0\0\0\0"),
        messages.frame(b"D", b"P\0"),
        messages.frame(b"E", b"\0\0\0\0\0"),
    )
)
FORGET = messages.frame(b"C", b"S" + NAME + b"\0")
_EXECUTE = b"".join(
    (
        messages.frame(b"B", NAME + b"\0" + NAME + b"\0\0\0\0\0\0\0"),
        messages.frame(b"E", NAME + b"\0\0\0\0\0"),
        messages.frame(b"C", b"P" + NAME + b"\0"),
    )
)
_UNSETTLING = re.compile(rb"deallocate|discard|prepared_statement", re.IGNORECASE)
_MOST_READ_BYTES = 300_000
# Of functions, which may be called by anything: an event trigger, a default, a constraint.
_UNSETTLED = (
    "SELECT CASE WHEN EXISTS (SELECT FROM pg_catalog.pg_proc AS p WHERE p.oid"
    " OPERATOR(pg_catalog.>=) '16384'::pg_catalog.oid AND p.prosrc OPERATOR(pg_catalog.~*)"
    " 'deallocate|discard|prepared_statement') THEN 'yes' END"
)
_UNDEFINED_FUNCTION = "42883"


class Ask(NamedTuple):
    """Messages behind a statement of the extended protocol, and what ends their answer."""

    messages: bytes
    closes: int
    """So many messages CloseComplete belong to it; the last one is its end."""
    number: int = 0
    """Which one it is of those that leave it prepared."""


class Looks:
    """How one server is asked. All sessions of a command share it."""

    def __init__(self, *, tells_written: bool = True, may_keep: bool = True) -> None:
        self.tells_written = tells_written
        """Whether the server says how much a session wrote to the write-ahead log."""
        self.question = _QUESTION % (_WRITTEN if tells_written else b"")
        self.in_query = self.question + b";"
        """Between the statements of a Query. It ends with its CommandComplete."""
        self.may_keep = may_keep
        """Whether sessions may keep it prepared: nobody is known to end or to count what is."""
        # The first Close is for a look that was cancelled between its Parse and its end: a name is
        # taken once.
        parse = FORGET + messages.frame(b"P", NAME + b"\0" + self.question + b"\0\0\0")
        self.once = Ask(parse + _EXECUTE + FORGET, closes=3)
        self.first = Ask(parse + _EXECUTE, closes=2)
        self.again = Ask(_EXECUTE, closes=1)


def asked_before(session: Session) -> Looks:
    """Ask once beside the user's work, which it would break if this login may not ask it.

    Raises what a session raises.
    """
    try:
        return _tried(session, Looks())
    except LoginRefused as error:
        if error.sqlstate != _UNDEFINED_FUNCTION:
            raise
    return _tried(session, Looks(tells_written=False))


def _tried(session: Session, looks: Looks) -> Looks:
    rows = session.rows(f"{looks.in_query.decode()} {_UNSETTLED}")
    looks.may_keep = rows[-1] == [None]
    return looks


class Habit:
    """Which form of the look a session gets: the question is parsed once, if that is safe.

    A look that finds it gone would fail, and the user's transaction with it. So it is kept only
    where the server process is known to be the session's own, and no text is known that could end
    it. One that leaves it counts when it was answered, and was the latest of its kind.
    """

    def __init__(self, looks: Looks, *, process_id: int) -> None:
        self.looks = looks
        self._process_id = process_id
        """As the server named it at the login; a pooler in between gives another number."""
        self._is_direct = False
        self._sent = self._answered = 0

    def next(self) -> Ask:
        """Say what is sent behind the next statement."""
        if not (self._is_direct and self.looks.may_keep):
            return self.looks.once
        if self._sent and self._answered == self._sent:
            return self.looks.again
        self._sent += 1
        return self.looks.first._replace(number=self._sent)

    def answered(self, number: int, process_id: int) -> bool:
        """Take note that one was answered, by that process; says whether it is the session's."""
        self._is_direct = process_id == self._process_id != 0
        self._answered = number or self._answered
        return self._is_direct

    def is_unsettled_by(self, message: bytes) -> bool:
        """Notice a Query or Parse that may end or count what is prepared, or has our name.

        Says whether it is the first one that anybody noticed, and something may be prepared.
        """
        is_ours = message.startswith(NAME + b"\0", 5)
        is_long = len(message) > _MOST_READ_BYTES
        if not self.looks.may_keep or not (is_ours or is_long or _UNSETTLING.search(message)):
            return False
        self.looks.may_keep = False
        return self._sent > 0


class LockSeen(NamedTuple):
    """A lock of the session."""

    oid: int
    mode: str
    file_number: int | None
    """What was dropped has none, nor what is partitioned or a view."""


@dataclass(frozen=True)
class Seen:
    """What a look saw."""

    microseconds: int
    """From the arrival of its own message, or of the Query that it is in."""
    pieces: frozenset[str]
    """What it said of each lock; most of it the look before said as well."""
    process_id: int
    written: int | None = None
    """How many bytes of the write-ahead log its session wrote, up to a transaction before."""

    def locks(self, before: frozenset[str] = frozenset()) -> list[LockSeen]:
        """Give the locks that are not among these pieces."""
        return [_lock(each) for each in self.pieces - before if not each.startswith(_PREDICATE)]


def seen(rows: Sequence[messages.Message]) -> Seen:
    """Read the row of a look."""
    pieces = {piece for row in rows for piece in (messages.row(row)[0] or "").split(",")}
    own = next((each for each in pieces if each.startswith(_OWN)), f"{_OWN} 0 0")
    _, process_id, microseconds, *more = own.split(" ")
    written = int(more[0]) if more else None
    return Seen(int(microseconds), frozenset(pieces - {own, ""}), int(process_id), written)


def _lock(piece: str) -> LockSeen:
    mode, oid, file_number = piece.split(" ")
    return LockSeen(int(oid), mode_name(mode), int(file_number) if file_number else None)


@lru_cache(maxsize=20)
def mode_name(mode: str) -> str:
    """Give a mode the name that LOCK TABLE and the documentation have: `ACCESS EXCLUSIVE`.

    https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
    """
    name = mode[:-4] if mode.endswith("Lock") else mode
    return "".join(f" {sign}" if sign.isupper() else sign for sign in name).strip().upper()


def converted(text: bytes, ask: Ask, *, ends_transaction: bool) -> bytes:
    """Make the single statement of a simple Query one of the extended protocol, with a look.

    As the first of its flight it is at top level still: CALL and DO may commit, VACUUM may run.
    """
    flush = FLUSH if ends_transaction else b""
    return messages.frame(b"P", b"\0" + text + b"\0\0\0") + _RUN + ask.messages + flush + _SYNC


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

    def moved_back(self, message: bytes) -> bytes:
        """Give an error or a notice the position that it has in the text without looks."""
        fields = message[5:-1].split(b"\0")
        for number, text in enumerate(fields):
            if text[:1] == b"P" and text[1:].isdigit():
                fields[number] = b"P%d" % self.original(int(text[1:]))
        return messages.frame(message[:1], b"\0".join(fields) + b"\0")


def with_looks(text: bytes, ends: Sequence[int], in_query: bytes) -> Sent:
    """Put looks into a Query, behind the statements that end there."""
    pieces = []
    looks = []
    begun = length = 0
    for end in ends:
        is_closed = end < len(text)
        piece = text[begun : end + 1]
        added = in_query if is_closed else b"\n;" + in_query  # a comment may be the last thing
        pieces += [piece, added]
        looks.append((length + len(piece), len(added)))
        length += len(piece) + len(added)
        begun = end + 1
    pieces.append(text[begun:])
    return Sent(b"".join(pieces), tuple(looks))

"""Keeps the journal of one connection: what each statement took, and for how long. No I/O.

Times are of one monotonic clock, in seconds; the caller reads it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, NamedTuple

from pgwire.trace import look
from pgwire.trace.cutting import MOST_READ_BYTES
from pgwire.trace.kinds import WHOLE, told
from pgwire.trace.meter import Meter
from pgwire.trace.report import HARMLESS, MOST_STATEMENTS

if TYPE_CHECKING:
    from pgwire.trace.kinds import Kind
    from pgwire.trace.log import Log
    from pgwire.trace.sources import Source

IDLE = b"I"
"""The state of a session outside of a transaction, as ReadyForQuery has it."""
PAUSED = "PAUSED"
"""In place of a tag, where a portal has more rows. Nobody says then how many it was in all."""
_MOST_KEYS = 2_000
_TRUNCATE = "TRUNCATE"
_EMPTYING = re.compile(rb"\btruncate\b", re.IGNORECASE)
# From the weakest to the strongest. Each keeps others from what those before it do, but for SHARE.
# https://www.postgresql.org/docs/current/explicit-locking.html#TABLE-LOCK-COMPATIBILITY
MODES = ("ACCESS SHARE", *HARMLESS, "SHARE UPDATE EXCLUSIVE", "SHARE", "SHARE ROW EXCLUSIVE",
          "EXCLUSIVE", "ACCESS EXCLUSIVE")  # fmt: skip
_AT_LEAST = {
    mode: [
        other
        for other in MODES[rank:]
        if other != "SHARE" or mode in ("ACCESS SHARE", "ROW SHARE", "SHARE")
    ]
    for rank, mode in enumerate(MODES)
}
NOT_CUT = (
    "what was sent in one piece could not be told apart: it is long, has parameters outside of"
    " quotes, or is in an encoding or with rules of strings that the trace does not read"
)
_NO_LOCKS: tuple[tuple[int, str], ...] = ()
_ABSENT = object()


class Record:
    """One statement on its way. Not a dataclass: there are thousands a second."""

    ms = 0.0
    held_ms: float | None = None
    """None while its transaction goes on."""
    rows: int | None = None
    tag = ""
    error: str | None = None
    transaction = 0
    is_kept = True
    """The log tells it; else it is counted only."""
    times = 1
    locks: tuple[tuple[int, str], ...] = ()
    rewrites: tuple[int, ...] = ()
    is_rolled_back = False
    may_rewrite = False
    """Nobody looks into it. Not what may truncate, which gives tables other files as well."""

    def __init__(self, source: Source, *, sent: float, is_in_query: bool) -> None:
        self.text = source.text
        self.kind = source.kind
        self.key = source.key
        self.known_by = source.known_by
        self.sent = self.started = self.ended = sent
        self.is_in_query = is_in_query
        """Its end is not heard when it happens: a Query is answered as a whole."""

    def weight(self) -> int:
        """Say how much others may want to know of it."""
        is_felt = any(mode not in HARMLESS for _, mode in self.locks)
        return 2 if is_felt or self.rewrites or self.error else int(bool(self.locks))


class _Savepoint(NamedTuple):
    name: str
    records: int
    changes: int
    """So many of both were there."""


class _Transaction:
    def __init__(self, number: int) -> None:
        self.number = number
        self.records: list[Record] = []
        self.savepoints: list[_Savepoint] = []
        self.changes: list[tuple[dict[Any, Any], Any, object]] = []
        """Of the mappings below: which of them, where, and what was there before."""
        self.by_key: dict[str, Record] = {}
        self.held: dict[tuple[int, str], str] = {}
        self.files: dict[int, int | None] = {}
        self.made: dict[int, int | None] = {}
        """What it locked that nobody knew before, and in which file that is."""
        self.pieces: frozenset[str] = frozenset()
        """What the last look said of its locks, if that is still so."""
        self.is_failed = False
        self.is_told = False

    def put(self, mapping: dict[Any, Any], key: object, value: object) -> None:
        """Change one of its mappings, until it is rolled back to a savepoint before."""
        before = mapping.get(key, _ABSENT)
        if before != value:
            self.changes.append((mapping, key, before))
            mapping[key] = value

    def pop_savepoint(self, name: str) -> _Savepoint | None:
        """Forget the newest of that name, and those that were made since."""
        for at in range(len(self.savepoints) - 1, -1, -1):
            if self.savepoints[at].name == name:
                found = self.savepoints[at]
                del self.savepoints[at:]
                return found
        return None

    def roll_back_to(self, savepoint: _Savepoint) -> list[Record]:
        """Undo what happened since, and give its statements. It stays: one may come back again.

        Locks that were taken since are released.
        https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
        """
        while len(self.changes) > savepoint.changes:
            mapping, key, before = self.changes.pop()
            if before is _ABSENT:
                del mapping[key]
            else:
                mapping[key] = before
        self.pieces = frozenset()
        undone = self.records[savepoint.records :]
        del self.records[savepoint.records :]
        self.savepoints.append(savepoint)
        self.is_failed = False
        return undone


class Journal:
    """What happened on one connection, in the order in which the server did it."""

    def __init__(self, log: Log) -> None:
        self._log = log
        self._transaction: _Transaction | None = None
        self._known: dict[str | bytes, tuple[tuple[int, str], ...] | None] = {}
        self._last_end = 0.0
        self._meter = Meter()
        self.statements = 0
        self.untraced: str | None = None
        """Why not all that was sent was looked at."""

    # --- what is sent ---------------------------------------------------------------------------

    def sent(self, source: Source, now: float, *, is_in_query: bool = False) -> tuple[Record, bool]:
        """Begin with a statement; also says whether a look is to follow it.

        Not behind what reads or writes rows in words that were heard before: it takes the same; but
        of queries that call functions, the values have to be the same too. In a Query only the
        looks tell when something ended, and adding rows is what is done often.
        """
        record = Record(source, sent=now, is_in_query=is_in_query)
        gets_look = source.kind.gets_look
        if source.kind is WHOLE:
            self.untraced = NOT_CUT
            record.may_rewrite = not _EMPTYING.search(source.text)
        if record.known_by:
            is_timed = is_in_query and source.kind.head != "INSERT"
            gets_look = gets_look and (is_timed or record.known_by not in self._known)
            if len(self._known) >= _MOST_KEYS:
                self._known.clear()
            self._known.setdefault(record.known_by)
        elif source.kind.gets_look and not record.key:
            self._known.clear()  # a definition may change what statements touch
        return record, gets_look

    # --- what is heard --------------------------------------------------------------------------

    def ended(self, record: Record, tag: str, now: float) -> None:
        """A statement ended well, or paused at its portal's limit of rows."""
        self._time(record, now)
        record.rows = None if record.tag == PAUSED else _rows(tag)
        record.tag = tag
        transaction = self._current()
        if self._is_folded(record, transaction):
            return
        self._file(record, transaction)
        self._take_told(record, transaction)
        at = self._last_end if record.is_in_query else now
        if record.kind.savepoint:
            self._at_savepoint(record.kind, transaction, at)
        if record.kind.ends_transaction and tag in ("COMMIT", "ROLLBACK", "PREPARE TRANSACTION"):
            self._close(at, is_committed=tag != "ROLLBACK")

    def resumed(self, record: Record, now: float) -> None:
        """A portal that paused is asked for more rows."""
        record.sent = now

    def failed(self, record: Record, sqlstate: str, now: float) -> None:
        """A statement failed; what it locked is not known."""
        self._time(record, now)
        self._known.pop(record.known_by, None)
        record.error = sqlstate
        transaction = self._current()
        transaction.is_failed = True
        self._file(record, transaction)

    def broke(self) -> None:
        """Something failed after its statements ended, as what was deferred until now."""
        if self._transaction is not None:
            self._transaction.is_failed = True

    def saw(self, record: Record, seen: look.Seen) -> None:
        """A look behind a statement was answered."""
        transaction = self._current()
        held_before = bool(transaction.held)
        if record.is_in_query:
            self._time_in_query(record, record.sent + seen.microseconds / 1e6)
        else:
            self._time_without_look(record, transaction, seen.microseconds / 1000)
        new, transaction.pieces = seen.locks(transaction.pieces), seen.pieces
        for oid, name, file_number in sorted(new, key=self._strength):
            relations, relation = self._log.relations, self._log.relations.get(oid)
            if not relations.is_committed(oid):
                transaction.put(transaction.made, oid, file_number)
                continue
            if not (relation and relation.is_secondary and name in HARMLESS):
                self._take(record, transaction, oid, name)
            before = transaction.files.get(oid, relations.file_number(oid))
            if file_number is not None and file_number != before:
                transaction.put(transaction.files, oid, file_number)
                has_rows = relation is None or relation.is_stored
                if before is not None and has_rows and record.kind.head != _TRUNCATE:
                    record.rewrites += (oid,)
        record.rewrites += _roots(seen) if record.rewrites else ()
        self._keep_apart(record, transaction)
        is_all = record.known_by == record.key or not held_before
        if record.known_by and is_all and self._known.get(record.known_by) is None:
            self._known[record.known_by] = record.locks

    def ready(self, state: bytes, now: float) -> None:
        """The server is ready for the next: what was not in a block of its own has ended."""
        self._last_end = now
        if state == IDLE:
            transaction = self._transaction
            self._close(now, is_committed=transaction is not None and not transaction.is_failed)
            self._meter.ready()

    def written(self, sum_of_bytes: int) -> None:
        """A look read how much the session had written when it last said so."""
        self._log.wrote(self._meter.read(sum_of_bytes))

    def settled(self, sum_of_bytes: int) -> None:
        """All ended, and this is how much the session wrote in it."""
        self._log.wrote(self._meter.settled(sum_of_bytes))

    def closed(self, now: float, *, is_traced: bool = True) -> None:
        """The connection ended, and its transaction with it, unless that ended unseen."""
        self._close(now, is_committed=False if is_traced else None)

    # --- its parts ------------------------------------------------------------------------------

    def _current(self) -> _Transaction:
        if self._transaction is None:
            self._transaction = _Transaction(self._log.next_transaction())
        return self._transaction

    def _time(self, record: Record, now: float) -> None:
        record.started = max(record.sent, self._last_end)
        if record.tag:  # it paused
            record.started = min(record.started, record.ended)
        if not record.is_in_query:
            record.ms += max(now - max(record.sent, self._last_end), 0.0) * 1000
            record.ended = self._last_end = now

    def _time_in_query(self, record: Record, now: float) -> None:
        record.started = max(record.sent, self._last_end)
        record.ms = max(now - record.started, 0.0) * 1000
        record.ended = self._last_end = now

    def _time_without_look(self, record: Record, transaction: _Transaction, ms: float) -> None:
        """Its end was heard together with the look's."""
        ms = min(ms, record.ms)
        record.ms -= ms
        if not record.transaction and record.key in transaction.by_key:
            transaction.by_key[record.key].ms -= ms

    def _is_folded(self, record: Record, transaction: _Transaction) -> bool:
        if not record.key or record.transaction:
            return bool(record.transaction)
        first = transaction.by_key.get(record.key)
        if first is None:
            if len(transaction.by_key) < _MOST_KEYS:
                transaction.put(transaction.by_key, record.key, record)
            return False
        first.times += 1
        first.ms += record.ms
        if record.rows is not None:
            first.rows = (first.rows or 0) + record.rows
        return True

    def _keep_apart(self, record: Record, transaction: _Transaction) -> None:
        """Tell it by itself, if it was folded into another and did more than that one."""
        first = transaction.by_key.get(record.key, record)
        if first is record or record.transaction:
            return
        if not (record.locks or record.rewrites):
            first.ms += record.ms if record.is_in_query else 0.0
            return
        first.times -= 1
        first.ms -= 0.0 if record.is_in_query else record.ms
        if first.rows is not None:
            first.rows -= record.rows or 0
        self._file(record, transaction)

    def _file(self, record: Record, transaction: _Transaction) -> None:
        record.transaction = transaction.number
        if record.kind.is_control and record.error is None:
            return
        transaction.is_told = True
        self.statements += 1
        record.text = record.text[:MOST_READ_BYTES]
        self._log.add(record)
        transaction.records.append(record)
        if len(transaction.records) > 2 * MOST_STATEMENTS:
            transaction.records = [each for each in transaction.records if each.is_kept]
            most = len(transaction.records)
            transaction.savepoints = [
                each._replace(records=min(each.records, most)) for each in transaction.savepoints
            ]

    def _take_told(self, record: Record, transaction: _Transaction) -> None:
        for oid, mode in self._known.get(record.known_by) or _NO_LOCKS:
            self._take(record, transaction, oid, mode)
        if record.kind.tells_rewrite:
            self._log.relations.moved_perhaps()
        for relation, mode in told(record.kind, self._log.relations):
            self._take(record, transaction, relation.oid, mode)
            if record.kind.tells_rewrite and not relation.is_secondary:
                self._rewritten(record, transaction, relation.oid)

    def _rewritten(self, record: Record, transaction: _Transaction, oid: int) -> None:
        transaction.put(transaction.files, oid, None)
        record.rewrites += (oid,)

    def _take(self, record: Record, transaction: _Transaction, oid: int, mode: str) -> None:
        """Note it, unless the transaction kept others from as much before, or from its table."""
        relation = self._log.relations.get(oid)
        of = (oid, relation.table if relation else None)
        if not any((each, held) in transaction.held for each in of for held in _AT_LEAST[mode]):
            transaction.put(transaction.held, (oid, mode), mode)
            record.locks += ((oid, mode),)

    def _strength(self, lock: look.LockSeen) -> tuple[bool, int, int]:
        relation = self._log.relations.get(lock.oid)
        return (relation is not None and relation.is_secondary, -MODES.index(lock.mode), lock.oid)

    def _at_savepoint(self, kind: Kind, transaction: _Transaction, now: float) -> None:
        if kind.head == "SAVEPOINT":
            counts = len(transaction.records), len(transaction.changes)
            transaction.savepoints.append(_Savepoint(kind.savepoint, *counts))
            return
        savepoint = transaction.pop_savepoint(kind.savepoint)
        if kind.head == "ROLLBACK" and savepoint is not None:
            _release(transaction.roll_back_to(savepoint), now, is_rolled_back=True)

    def _close(self, now: float, *, is_committed: bool | None) -> None:
        transaction, self._transaction = self._transaction, None
        if transaction is None:
            return
        _release(transaction.records, now, is_rolled_back=is_committed is False)
        if transaction.is_told:
            self._meter.ended(transaction.number)
        if is_committed:
            self._log.relations.moved({**transaction.made, **transaction.files})


def _roots(seen: look.Seen) -> tuple[int, ...]:
    """Give what has no file, and so may be partitioned, and was locked to be altered."""
    locks = seen.locks()
    return tuple(one.oid for one in locks if one.file_number is None and one.mode == MODES[-1])


def _release(records: list[Record], now: float, *, is_rolled_back: bool) -> None:
    for record in records:
        record.held_ms = max(now - record.started, 0.0) * 1000
        record.is_rolled_back = is_rolled_back


def _rows(tag: str) -> int | None:
    count = tag.rpartition(" ")[2]
    return int(count) if count.isdigit() else None

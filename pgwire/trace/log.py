"""Gathers what the connections of one command did. Safe for threads."""

from __future__ import annotations

import threading
import time
from typing import TYPE_CHECKING

from pgwire.trace.cutting import without_values
from pgwire.trace.journal import HARMLESS
from pgwire.trace.report import MOST_STATEMENTS, Lock, Report, Statement

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgwire.trace.journal import Record
    from pgwire.trace.relations import Relation, Relations
    from pgwire.trace.report import Connection


class Log:
    """All records, in the order in which their statements ended."""

    def __init__(self, relations: Relations) -> None:
        self.relations = relations
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._records: list[Record] = []
        self._more = 0
        self._transactions = 0

    @property
    def has_room(self) -> bool:
        """Whether a statement more is told; what is only counted needs no look."""
        return len(self._records) < MOST_STATEMENTS

    def add(self, record: Record) -> bool:
        """Take a statement; False where it is only counted."""
        with self._lock:
            if not self.has_room:
                self._more += 1
                return False
            self._records.append(record)
            return True

    def next_transaction(self) -> int:
        """Number a transaction."""
        with self._lock:
            self._transactions += 1
            return self._transactions

    def report(
        self, connections: Sequence[Connection], *, now: float, later: Relations | None = None
    ) -> Report:
        """Tell all so far; what is not over yet, as if it were over now.

        `later` has names for what was made meanwhile; without them nothing is told of it.
        """
        with self._lock:
            records, more = list(self._records), self._more
        wal = [each.wal_bytes for each in connections if each.wal_bytes is not None]
        reasons = [each.untraced for each in connections if each.untraced]
        return Report(
            statements=tuple(self._statement(record, now, later) for record in records),
            more_statements=more,
            connections=tuple(connections),
            wal_bytes=sum(wal) if wal else None,
            untraced=reasons[0] if reasons else None,
        )

    def texts(self) -> list[bytes]:
        """Give the texts of these statements as they were sent, which are for nobody else."""
        with self._lock:
            return [record.text for record in self._records]

    def _statement(self, record: Record, now: float, later: Relations | None) -> Statement:
        locks = (self._lock_of(oid, mode, later) for oid, mode in record.locks)
        rewritten = (self._relation(oid, later) for oid in record.rewrites)
        held_ms = record.held_ms
        return Statement(
            sql=record.key or without_values(record.text, head=record.kind.head),
            at_ms=round((record.started - self._began) * 1000, 3),
            ms=round(record.ms, 3),
            held_ms=round((now - record.started) * 1000 if held_ms is None else held_ms, 3),
            rows=record.rows,
            tag=record.tag,
            error=record.error,
            transaction=record.transaction,
            times=record.times,
            locks=tuple(lock for lock in locks if lock is not None),
            rewrites=tuple(str(each) for each in rewritten if each and each.is_stored),
            may_lock_more=record.kind.hides_locks,
            rolled_back=record.is_rolled_back,
        )

    def _relation(self, oid: int, later: Relations | None) -> Relation | None:
        return self.relations.get(oid) or (later.get(oid) if later else None)

    def _lock_of(self, oid: int, mode: str, later: Relations | None) -> Lock | None:
        relation = self._relation(oid, later)
        if relation is None or (relation.is_secondary and mode in HARMLESS):
            return None
        return Lock(
            relation=str(relation),
            kind=relation.kind,
            mode=mode,
            rows=relation.rows,
            bytes=relation.bytes,
            is_new=self.relations.get(oid) is None,
        )

"""Gathers what the connections of one command did. Safe for threads."""

from __future__ import annotations

import re
import threading
import time
from typing import TYPE_CHECKING

from pgwire.trace.cutting import without_values
from pgwire.trace.journal import MODES
from pgwire.trace.kinds import ACCESS_EXCLUSIVE, gone, told
from pgwire.trace.report import (
    ELSEWHERE,
    HARMLESS,
    MOST_STATEMENTS,
    MOST_TRANSACTIONS,
    Lock,
    Report,
    Statement,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pgwire.trace.journal import Record
    from pgwire.trace.relations import Relation, Relations
    from pgwire.trace.report import Connection, Transactions

_TABLES = ("r", "p", "m")
_OF_OTHERS = re.compile(
    rb"\s*(?:ALTER|DROP)\s+(?:FUNCTION|INDEX|PROCEDURE|SEQUENCE|TRIGGER|TYPE|VIEW)\b", re.IGNORECASE
)
_LATEST = 200
"""The locks of these may not have been seen yet."""


class Log:
    """The records that weigh most, in the order in which their statements ended."""

    def __init__(self, relations: Relations) -> None:
        self.relations = relations
        self._lock = threading.Lock()
        self._began = time.monotonic()
        self._records: list[Record] = []
        self._more = 0
        self._transactions = 0
        self._wrote: list[Transactions] = []

    def add(self, record: Record) -> None:
        """Take a statement; where there are too many, others are only counted from now on."""
        with self._lock:
            self._records.append(record)
            if len(self._records) >= MOST_STATEMENTS + 2 * _LATEST:
                self._limit(self._records[:-_LATEST])

    def _limit(self, candidates: list[Record]) -> None:
        """Keep those that weigh most; of equal ones the latest, which a long history ends with."""
        excess = len(self._records) - MOST_STATEMENTS
        for record in sorted(candidates, key=lambda each: each.weight())[: max(excess, 0)]:
            record.is_kept = False
            self._more += 1
        self._records = [each for each in self._records if each.is_kept]

    @property
    def needs_later(self) -> bool:
        """Whether it is worth reading what there is now: for names, or rewrites nobody saw."""
        with self._lock:
            is_unseen = any(record.may_rewrite for record in self._records)
        return is_unseen or self.relations.has_grown

    def next_transaction(self) -> int:
        """Number a transaction."""
        with self._lock:
            self._transactions += 1
            return self._transactions

    def wrote(self, transactions: Transactions | None) -> None:
        """Take what some wrote; where there are too many, those that wrote most are kept."""
        if transactions is None:
            return
        with self._lock:
            self._wrote.append(transactions)
            if len(self._wrote) >= 2 * MOST_TRANSACTIONS:
                self._wrote = _largest(self._wrote)

    def report(
        self, connections: Sequence[Connection], *, now: float, later: Relations | None = None
    ) -> Report:
        """Tell all so far; what is not over yet, as if it were over now.

        `later` has names for what was made meanwhile; without them nothing is told of it. It also
        tells what was rewritten by a Query in which no look was.
        """
        with self._lock:
            self._limit(self._records)
            records, more, wrote = list(self._records), self._more, _largest(self._wrote)
        wal = [each.wal_bytes for each in connections if each.wal_bytes is not None]
        unseen = self._rewritten_unseen(records, later)
        reasons = [each.untraced for each in connections if each.untraced]
        reasons.sort(key=ELSEWHERE.__eq__)
        return Report(
            statements=tuple(
                self._statement(record, now, later, unseen.get(record, [])) for record in records
            ),
            more_statements=more,
            connections=tuple(connections),
            transactions=tuple(wrote),
            wal_bytes=sum(wal) if wal else None,
            untraced=reasons[0] if reasons else None,
        )

    def texts(self) -> list[bytes]:
        """Give the texts of these statements as they were sent, which are for nobody else."""
        with self._lock:
            return [record.text for record in self._records]

    def _rewritten_unseen(
        self, records: list[Record], later: Relations | None
    ) -> dict[Record, list[int]]:
        """Find who rewrote what is in another file now than any look or word told.

        Of several it is the last that names the table.
        """
        found: dict[Record, list[int]] = {}
        wholes = [each for each in reversed(records) if each.may_rewrite and not each.error]
        if later is None or not wholes:
            return found
        for oid in self.relations.moved_since(later):
            relation = self._relation(oid, later)
            name = relation.name.encode() if relation else b""
            naming = (each for each in wholes if name in each.text)
            oids = found.setdefault(next(naming, wholes[0]), [])
            oids += [oid, self._root(relation, later).oid] if relation else []
        return found

    def _statement(
        self, record: Record, now: float, later: Relations | None, unseen: Sequence[int]
    ) -> Statement:
        locks, unnamed = self._locks(record, later)
        oids = [*record.rewrites, *unseen]
        if record.kind.tells_rewrite:
            oids += [oid for oid, _ in self._told_of_new(record, later)]
        rewritten = self._rewritten(oids, later)
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
            locks=tuple(sorted(locks, key=_weakness)),
            rewrites=tuple(str(each) for each in rewritten),
            more_relations=unnamed,
            may_lock_more=record.kind.hides_locks,
            rolled_back=record.is_rolled_back,
        )

    def _rewritten(self, oids: Sequence[int], later: Relations | None) -> list[Relation]:
        """Find what was rewritten, and of partitions the root, where that was locked for it.

        Others may have other partitions, or none.
        """
        found = {each for oid in oids if (each := self._relation(oid, later)) is not None}
        roots = {self._root(each, later) for each in found if each.is_stored}
        told = (each for each in found if each.is_stored or each in roots)
        return sorted(told, key=lambda each: (-each.bytes, each.full_name))

    def _root(self, relation: Relation, later: Relations | None) -> Relation:
        while relation.parent is not None:
            above = self._relation(relation.parent, later)
            if above is None:
                break
            relation = above
        return relation

    def _relation(self, oid: int, later: Relations | None) -> Relation | None:
        return self.relations.get(oid) or (later.get(oid) if later else None)

    def _locks(self, record: Record, later: Relations | None) -> tuple[list[Lock], int]:
        """Give its locks, and how many are on tables that nobody has a name for."""
        locks = dict.fromkeys([*record.locks, *self._told_of_new(record, later)])
        found = [each for lock in locks if (each := self._lock_of(*lock, later)) is not None]
        unnamed = [
            mode
            for oid, mode in record.locks
            if mode not in HARMLESS and self._relation(oid, later) is None
        ]
        is_own = any(
            mode == ACCESS_EXCLUSIVE and self.relations.get(oid) is None
            for oid, mode in record.locks
        )
        # By now it is not there, or has another name: only the words say which it was.
        known = {lock.relation for lock in found}
        going = gone(record.text) if later is not None and is_own else []
        found += [
            Lock(relation=name, kind="r", mode=ACCESS_EXCLUSIVE, rows=-1, bytes=0, is_new=True)
            for name in going
            if name not in known
        ]
        # What is not there any more beside a table with a name was its index, or a part of it.
        is_told = going or any(lock.kind in _TABLES for lock in found)
        is_other = is_told or _OF_OTHERS.match(record.text)
        return found, 0 if is_other else len(unnamed)

    def _told_of_new(self, record: Record, later: Relations | None) -> list[tuple[int, str]]:
        """Find by its words what it locked of what had been made before by the same command."""
        if later is None or not record.tag or record.error:
            return []
        return [
            (each.oid, mode)
            for each, mode in told(record.kind, later)
            if mode not in HARMLESS and self.relations.get(each.oid) is None
        ]

    def _lock_of(self, oid: int, mode: str, later: Relations | None) -> Lock | None:
        relation = self._relation(oid, later)
        if relation is None or (relation.is_secondary and mode in HARMLESS):
            return None
        owner = None if relation.table is None else self._relation(relation.table, later)
        return Lock(
            relation=str(relation),
            kind=relation.kind,
            mode=mode,
            rows=relation.rows,
            bytes=relation.bytes,
            is_new=self.relations.get(oid) is None,
            table=str(owner) if owner is not None else "",
        )


def _weakness(lock: Lock) -> tuple[int, int]:
    return (-MODES.index(lock.mode), -lock.bytes)


def _largest(wrote: list[Transactions]) -> list[Transactions]:
    largest = sorted(wrote, key=lambda each: -each.wal_bytes)[:MOST_TRANSACTIONS]
    return sorted(largest, key=lambda each: each.first)

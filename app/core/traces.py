"""What the Action saw of a migration: each statement, what it locked, and for how long."""

import json
from collections.abc import Collection
from dataclasses import asdict, dataclass, replace
from enum import StrEnum
from typing import Annotated

from annotated_types import Ge, Le, MaxLen

from app.core.rules import Described

MOST_STATEMENTS = 2_000
MOST_RELATIONS = 500
MOST_TRANSACTIONS = 500
LONGEST_STATEMENT = 2_000
MOST_BYTES = 512_000
"""Of its JSON, twice what the Action sends: characters beyond ASCII are escaped in ours."""
_Name = Annotated[str, MaxLen(300)]
"""A schema and a name of 63 bytes each, both perhaps quoted."""
_Milliseconds = Annotated[float, Ge(-1e12), Le(1e12)]
"""No infinity, and no number that is none; clocks that are set may make it negative."""
_Number = Annotated[int, Ge(0), Le(2**63 - 1)]
_Estimate = Annotated[int, Ge(-1), Le(2**63 - 1)]
_Reason = Annotated[str, MaxLen(500)]


class Blocks(StrEnum):
    """What others cannot do with a relation while a lock on it is held.

    https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-TABLES
    """

    READS = "reads and writes"
    WRITES = "writes"
    NOTHING = "nothing"
    """But other changes of the schema."""


_BLOCKED_BY = {
    "ACCESS EXCLUSIVE": Blocks.READS,
    "EXCLUSIVE": Blocks.WRITES,
    "SHARE ROW EXCLUSIVE": Blocks.WRITES,
    "SHARE": Blocks.WRITES,
}
WORST_FIRST = list(Blocks)


@dataclass(frozen=True, slots=True, kw_only=True)
class Size:
    """How large a table of production is, by the estimates of its catalog."""

    rows: Annotated[_Estimate, Described(description="-1: nobody has estimated them")]
    bytes: _Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Lock:
    """A lock on a relation that was there before the statement's transaction."""

    relation: _Name
    kind: Annotated[str, MaxLen(1), Described(description="pg_class.relkind")] = "r"
    mode: Annotated[str, MaxLen(30), Described(description="As LOCK TABLE calls it")]
    rows: Annotated[
        _Estimate, Described(description="The catalog's estimate in the migrated database")
    ]
    bytes: _Number
    is_new: Annotated[
        bool, Described(description="An earlier transaction of the same migration made it")
    ] = False
    table: Annotated[
        _Name, Described(description="Whose index it is, or to whose column a sequence belongs")
    ] = ""

    @property
    def blocks(self) -> Blocks:
        return _BLOCKED_BY.get(self.mode, Blocks.NOTHING)


@dataclass(frozen=True, slots=True, kw_only=True)
class Statement:
    """One statement, or the same one several times in a transaction."""

    sql: Annotated[str, MaxLen(LONGEST_STATEMENT), Described(description="Without secrets")]
    at_ms: Annotated[
        _Milliseconds, Described(description="When it began, after the trace began")
    ] = 0.0
    ms: _Milliseconds
    held_ms: Annotated[
        _Milliseconds, Described(description="From its beginning to the end of its transaction")
    ]
    rows: _Number | None = None
    tag: Annotated[str, MaxLen(100)] = ""
    error: Annotated[str | None, MaxLen(5), Described(description="SQLSTATE")] = None
    transaction: _Number
    times: _Number = 1
    locks: Annotated[tuple[Lock, ...], MaxLen(MOST_RELATIONS)] = ()
    rewrites: Annotated[tuple[_Name, ...], MaxLen(MOST_RELATIONS)] = ()
    more_relations: Annotated[
        _Number, Described(description="How many locked ones are not told")
    ] = 0
    may_lock_more: Annotated[
        bool, Described(description="Locks may have come and gone inside it")
    ] = False
    rolled_back: Annotated[
        bool, Described(description="Nothing of it stays: its transaction, or it, was rolled back")
    ] = False
    file: Annotated[str, MaxLen(1_000), Described(description="Where its text stands")] = ""
    line: _Number = 0
    accepted: Annotated[
        str, MaxLen(500), Described(description="The reason of `-- coppice: ok REASON`")
    ] = ""

    @property
    def blocks(self) -> Blocks:
        """The worst of its locks; a rewrite's may have come with a statement before."""
        if self.rewrites:
            return Blocks.READS
        return min(
            (lock.blocks for lock in self.locks), key=WORST_FIRST.index, default=Blocks.NOTHING
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Connection:
    """A connection that the command opened."""

    database: _Name
    user: _Name
    application: _Name = ""
    statements: _Number = 0
    wal_bytes: _Number | None = None
    untraced: _Reason | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Transactions:
    """How much one transaction wrote to the log, or several of one connection in a row."""

    first: Annotated[_Number, Described(description="As statements have it in `transaction`")]
    last: Annotated[_Number, Described(description="Those between may be another connection's")]
    count: Annotated[_Number, Described(description="1: one alone, first and last")]
    wal_bytes: _Number


class Risk(StrEnum):
    """What a change of the schema may take from others."""

    DATA = "data"
    GUARANTEE = "guarantee"
    NONE = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What differs in the schema from before the migration."""

    kind: Annotated[str, MaxLen(50)]
    name: Annotated[str, MaxLen(500)]
    text: Annotated[str, MaxLen(2_000), Described(description="All of it, for people")]
    risk: Annotated[
        Risk, Described(description="`data`: values may be lost; `guarantee`: one is taken away")
    ] = Risk.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """The trace of one migration command."""

    statements: Annotated[tuple[Statement, ...], MaxLen(MOST_STATEMENTS)] = ()
    more_statements: Annotated[
        _Number, Described(description="How many are not told: beyond limits, or with a secret")
    ] = 0
    connections: Annotated[tuple[Connection, ...], MaxLen(100)] = ()
    transactions: Annotated[
        tuple[Transactions, ...],
        MaxLen(MOST_TRANSACTIONS),
        Described(description="Those that wrote to the log, as far as that is known"),
    ] = ()
    wal_bytes: Annotated[
        _Number | None,
        Described(description="How much was written to the log, where that is known"),
    ] = None
    untraced: Annotated[
        _Reason | None, Described(description="Why nothing, or not all, was traced")
    ] = None
    is_unused: Annotated[
        bool, Described(description="Nobody came with its login to the address that it was given")
    ] = False
    changes: Annotated[
        tuple[Change, ...], MaxLen(500), Described(description="Of the schema, the worst first")
    ] = ()
    more_changes: _Number = 0
    changes_unknown: Annotated[
        _Reason | None, Described(description="Why the schema's changes are not known")
    ] = None
    was_empty: Annotated[bool, Described(description="The database had no table before")] = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Counts:
    """How much a trace tells, for those who see it not, or not yet."""

    statements: int
    """Also those that are not told."""
    rewrites: int
    blocking_reads: int
    """Statements whose locks block reads, and so writes too; `blocking_writes` are others."""
    blocking_writes: int
    is_blind: bool = False
    """An empty database was filled, by nothing that the commit is known to have added."""
    changes: int = 0
    """Of a schema that was there before."""


def counted(trace: Trace) -> Counts:
    """Count the statements; one that came several times in a transaction is one."""
    blocks = [one.blocks for one in trace.statements]
    return Counts(
        statements=len(trace.statements) + trace.more_statements,
        rewrites=sum(bool(one.rewrites) for one in trace.statements),
        blocking_reads=blocks.count(Blocks.READS),
        blocking_writes=blocks.count(Blocks.WRITES),
        is_blind=trace.was_empty and not any(one.file for one in trace.statements),
        changes=0 if trace.was_empty else len(trace.changes) + trace.more_changes,
    )


def worst_first(trace: Trace) -> list[Statement]:
    """Rewrites, then what blocks reads, then writes, then the rest; the longest held first."""

    def badness(one: Statement) -> tuple[bool, int, float]:
        return (not one.rewrites, WORST_FIRST.index(one.blocks), -one.held_ms)

    return sorted(trace.statements, key=badness)


def without(trace: Trace, secrets: Collection[str]) -> Trace:
    """Leave out the statements and changes in which a secret stands; they are counted."""

    def is_safe(*texts: str) -> bool:
        return not any(secret in text for secret in secrets for text in texts)

    kept = tuple(one for one in trace.statements if is_safe(*_texts(one)))
    changes = tuple(one for one in trace.changes if is_safe(one.name, one.text))
    return replace(
        trace,
        statements=kept,
        more_statements=trace.more_statements + len(trace.statements) - len(kept),
        changes=changes,
        more_changes=trace.more_changes + len(trace.changes) - len(changes),
    )


def within_limits(trace: Trace) -> Trace:
    """As many statements as fit into what is kept of a trace; the others are counted."""
    room = MOST_BYTES
    kept = []
    for one in trace.statements:
        room -= len(json.dumps(asdict(one)))
        if room < 0:
            break
        kept.append(one)
    more = trace.more_statements + len(trace.statements) - len(kept)
    return replace(trace, statements=tuple(kept), more_statements=more)


def _texts(statement: Statement) -> tuple[str, ...]:
    names = (lock.relation for lock in statement.locks)
    return (statement.sql, statement.file, statement.accepted, *statement.rewrites, *names)

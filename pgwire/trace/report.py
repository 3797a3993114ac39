"""What a trace tells, and its form as JSON, whose size is limited."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, replace
from typing import Any

ELSEWHERE = "it is another database"
"""Why a connection was not traced, where nothing went wrong."""
HARMLESS = ("ROW SHARE", "ROW EXCLUSIVE")
"""Modes of locks that reads and changes of rows take, and that keep neither waiting."""
MOST_STATEMENTS = 2_000
MOST_RELATIONS = 500
"""Of one statement. One that drops a schema locks all in it."""
MOST_CONNECTIONS = 100
MOST_TRANSACTIONS = 500
MOST_BYTES = 256_000
"""Of the JSON. What is beyond this, or the numbers above, is counted only."""
MOST_CHANGES_BYTES = 64_000
"""Of these, for the changes of the schema."""
LONGEST_STATEMENT = 2_000
LONGEST_REASON = 500
LONGEST_NAME = 300
"""Of what a client says of itself, in characters."""


@dataclass(frozen=True)
class Lock:
    """A lock on a relation that was there before the statement's transaction."""

    relation: str
    kind: str
    """pg_class.relkind: `r` for a table, `i` for an index."""
    mode: str
    """As LOCK TABLE calls it: `ACCESS EXCLUSIVE`."""
    rows: int
    """The catalog's estimate, -1 where there is none, of this database. `bytes` too."""
    bytes: int
    is_new: bool = False
    """An earlier transaction of the same command made it, as in a database that was empty."""
    table: str = ""
    """Whose index it is, or to whose column a sequence belongs."""


@dataclass(frozen=True)
class Statement:
    """One statement, or the same one several times in a transaction."""

    sql: str
    """Without the values in it. Not shortened yet, as little as `accepted` is."""
    at_ms: float
    """When it began, after the trace began."""
    ms: float
    """How long it ran, all times together."""
    held_ms: float
    """From its beginning to the end of its transaction: so long its locks were held."""
    rows: int | None
    tag: str
    error: str | None
    """SQLSTATE"""
    transaction: int
    """A number within the trace."""
    times: int = 1
    locks: tuple[Lock, ...] = ()
    """The strongest first, then the largest. Those that it was the first of its transaction to
    take, unless one that is held on the same relation, or on an index's table, keeps others from as
    much. Not ACCESS SHARE, which reads take, nor on indexes and sequences what changes of rows
    take."""
    rewrites: tuple[str, ...] = ()
    more_relations: int = 0
    """How many relations more than are told; those with the weakest locks, and the smallest, and
    those that the command had made and that were gone before anybody could ask for their names."""
    may_lock_more: bool = False
    """Locks may have come and gone inside it."""
    rolled_back: bool = False
    """Its transaction was, or it to a savepoint before: nothing of it stays."""
    file: str = ""
    """Where its text was found, from the repository's root; empty where it was not."""
    line: int = 0
    accepted: str = ""
    """The reason that `-- coppice: ok REASON` beside it gives."""


@dataclass(frozen=True)
class Transactions:
    """How much one transaction wrote to the log, or several of one connection in a row."""

    first: int
    """Its number within the trace."""
    last: int
    """The same where it is one; numbers between may be of other connections."""
    count: int
    wal_bytes: int


@dataclass(frozen=True)
class Connection:
    """A connection that came from the command and was let in."""

    database: str
    user: str
    application: str
    statements: int = 0
    wal_bytes: int | None = None
    """How much it wrote to the log; None where the server does not say."""
    untraced: str | None = None
    """Why not all of it was traced."""


@dataclass(frozen=True)
class Change:
    """What differs in the schema from before the command."""

    kind: str
    """`table`, `column`, `materialized view`, ..."""
    name: str
    text: str
    """All of it, in a line for people."""
    risk: str
    """`data` where values may be lost, `guarantee` where others may rely on it, or nothing."""


@dataclass(frozen=True)
class Report:
    """The trace of one command."""

    statements: tuple[Statement, ...] = ()
    more_statements: int = 0
    """How many are not told."""
    connections: tuple[Connection, ...] = ()
    transactions: tuple[Transactions, ...] = ()
    """Those that wrote to the log, as far as the server says. Of more, those that wrote most."""
    wal_bytes: int | None = None
    untraced: str | None = None
    """Why nothing, or not all, was traced."""
    is_unused: bool = False
    """Nobody came to the address that the command was given with the login that it got."""
    changes: tuple[Change, ...] = ()
    """Of the schema, the worst first."""
    more_changes: int = 0
    changes_unknown: str | None = None
    """Why they are not known."""
    was_empty: bool = False
    """The database had no table before."""

    def limited(self) -> dict[str, Any]:
        """Give it as JSON has it, with as many statements as fit.

        Those without locks go first, and then the earlier ones.
        """
        told = asdict(replace(self, connections=self.connections[:MOST_CONNECTIONS]))
        statements = told.pop("statements")
        for statement in statements:
            statement["sql"] = shortened(statement["sql"], LONGEST_STATEMENT)
            statement["accepted"] = shortened(statement["accepted"], LONGEST_REASON)
            before = _relations(statement)
            for name in ("locks", "rewrites"):
                statement[name] = statement[name][:MOST_RELATIONS]
            statement["more_relations"] += before - _relations(statement)
        changes = _fitting(told["changes"], MOST_CHANGES_BYTES)
        told["more_changes"] += len(self.changes) - len(changes)
        told["changes"] = changes
        room = MOST_BYTES - len(_compact(told).encode()) - 100
        kept = _fitting(sorted(reversed(statements), key=_lightness)[:MOST_STATEMENTS], room)
        kept.sort(key=lambda each: float(each["at_ms"]))
        told["more_statements"] += len(statements) - len(kept)
        return {"statements": kept, **told}


def shortened(text: str, limit: int) -> str:
    """Cut a text, in which half a secret would not be found any more: look for them before."""
    return text if len(text) <= limit else text[: limit - 3] + "..."


def _relations(statement: dict[str, Any]) -> int:
    return len({*(lock["relation"] for lock in statement["locks"]), *statement["rewrites"]})


def _lightness(statement: dict[str, Any]) -> int:
    is_felt = any(lock["mode"] not in HARMLESS for lock in statement["locks"])
    if is_felt or statement["rewrites"] or statement["error"]:
        return 0
    return 1 if statement["locks"] else 2


def _fitting(values: list[Any], room: int) -> list[Any]:
    """Take the first of them, as long as their JSON has room, in bytes."""
    kept = []
    for value in values:
        room -= len(_compact(value).encode()) + 1
        if room < 0:
            break
        kept.append(value)
    return kept


def _compact(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False)

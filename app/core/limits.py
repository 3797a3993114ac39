"""Limits of an instance: what may be made on it, and what becomes of databases that grow."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import floor
from typing import Annotated

from annotated_types import Ge, Le

from app.core import amounts
from app.core.databases import ENDED, Database, DatabaseState
from app.core.errors import Invalid, ProvisioningFailed
from app.core.identifiers import DatabaseId
from app.core.rules import Rule, rules_of

_SIZE = re.compile(r"([0-9]{1,20}(?:\.[0-9]{1,20})?)\s*(bytes|kb|mb|gb|tb)?", re.IGNORECASE)
# As PostgreSQL writes and means them: 1 kB is 1024 bytes.
_UNITS = {"": 1, "bytes": 1, "kb": 1024, "mb": 1024**2, "gb": 1024**3, "tb": 1024**4}
_LARGEST = 2**60


MOST_CONNECTIONS = 10_000
SIZE = "SIZE"
"""What is typed for a limit in bytes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What it allows; null: no limit."""

    # The table of all of them. They never remove a database, nor what is in it.

    databases: Annotated[
        int | None,
        Ge(1),
        Le(2**31 - 1),
        Rule(
            option="--databases",
            metavar="NUMBER",
            help="How many databases; deleted ones do not count.",
            label="Databases",
            hint="How many; deleted ones do not count.",
            description="Deleted ones do not count",
        ),
    ] = None
    connections: Annotated[
        int | None,
        Ge(1),
        Le(MOST_CONNECTIONS),
        Rule(
            option="--connections",
            metavar="NUMBER",
            help="Connections of each login at once, a job's too; default 40. A server gives one"
            " login half of what it has at most.",
            label="Connections",
            hint="Of each login at once, a job's too. A server gives one login half of what it has"
            " at most.",
            description="Of each login at once, a job's too, as far as the server has them",
        ),
    ] = None
    """See `core.connections` for what a server gives."""
    database_bytes: Annotated[
        int | None,
        Ge(1),
        Le(_LARGEST),
        Rule(
            option="--database-size",
            metavar=SIZE,
            help="How large each may get, 16MB at least; seen every 10 min.",
            label="Size of each database",
            hint="As in 500 MB; 16 MB at least. Past it, people are told.",
            description="Of each database",
        ),
    ] = None
    total_bytes: Annotated[
        int | None,
        Ge(1),
        Le(_LARGEST),
        Rule(
            option="--total-size",
            metavar=SIZE,
            help="How large all may get; then no other is made.",
            label="Size of all databases",
            hint="Past it no other is made.",
            description="Of all databases",
        ),
    ] = None
    """Deleted databases that are kept count too."""
    freezes: Annotated[
        bool,
        Rule(
            option="--freeze/--no-freeze",
            help="Let nobody into a database that is too large, production too, until there is"
            " space; else it is only reported.",
            label="Freeze databases that are larger",
            hint="This closes a database past that size, production too: it lets nobody in, the"
            " deployed application included, until there is space. Its data stays. Without the tick"
            " it stays open.",
            description="Let nobody into one that is too large",
        ),
    ] = False


LIMITS = rules_of(Limits)
NO_LIMITS = Limits()
SMALLEST_DATABASE_BYTES = 16 * 1024**2
"""The least that a database may be limited to. One that holds nothing takes 7 to 8 MB of catalog in
PostgreSQL 16 to 18, measured, whatever the server: all are made from template0. A limit below that
would be reached by every database at once, and with `freezes` close production."""
OPEN_FOR = timedelta(minutes=15)
"""For how long a frozen database is open when a person opens it, to delete rows, say."""


FROZEN_ADVICE = (
    "Fix opens a frozen database for a quarter of an hour, to delete rows; Reset empties it; or the"
    " operator allows more."
)
"""What people can do about a frozen database."""


class LimitReached(ProvisioningFailed):
    """A database was not made, or lets nobody in, because its instance has limits."""

    code = "limit_reached"
    http_status = 409


@dataclass(frozen=True, slots=True, kw_only=True)
class Remark:
    """What people should know of the sizes on an instance, and what they can do about it."""

    words: str
    advice: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Freezing:
    """What a measurement changes; both may be empty."""

    freeze: tuple[DatabaseId, ...]
    thaw: tuple[DatabaseId, ...]


def check_room(
    limits: Limits, new: Database, others: Iterable[Database], *, total_bytes: int
) -> None:
    """Raise LimitReached when there is no room for another database.

    Databases that were ever made count, and those that were asked for before this one: whoever
    comes last is refused, however many workers make databases at once.
    """
    counted = [one for one in others if one.id != new.id and _counts(one, new)]
    if limits.databases is not None and len(counted) >= limits.databases:
        allowed = amounts.counted(limits.databases, "database")
        there = len(counted)
        raise LimitReached(
            f"The instance has its {allowed}: that is its limit."
            if there == limits.databases
            else f"The instance has {there} databases, and its limit is {allowed}.",
            advice="Delete a database that nobody needs, or ask the operator for a larger limit;"
            " then use Fix.",
        )
    if limits.total_bytes is not None and total_bytes >= limits.total_bytes:
        raise LimitReached(
            f"The instance's databases hold {amounts.size(total_bytes)} of"
            f" {amounts.size(limits.total_bytes)}: that is its limit.",
            advice="Drop databases that nobody needs (`coppice databases delete --now`), or ask the"
            " operator for a larger limit; then use Fix.",
        )


def excess(limits: Limits, size_bytes: int | None) -> str | None:
    """What is wrong with a database of that size, for people; None: nothing, or not measured."""
    if limits.database_bytes is None or size_bytes is None or size_bytes <= limits.database_bytes:
        return None
    held, allowed = amounts.size(size_bytes), amounts.size(limits.database_bytes)
    return f"It holds {held}, more than the {allowed} that are allowed."


def total_excess(limits: Limits, size_bytes: int) -> str | None:
    """What is wrong with databases that hold so much together, for people; None: nothing."""
    if limits.total_bytes is None or size_bytes < limits.total_bytes:
        return None
    held, allowed = amounts.size(size_bytes), amounts.size(limits.total_bytes)
    return f"Its databases hold {held} of the {allowed} that are allowed: no other is made."


def remarks(
    limits: Limits, databases: Iterable[Database], sizes: Mapping[DatabaseId, int]
) -> tuple[Remark, ...]:
    """Which limits an instance's databases are past: their number, all sizes together, and each."""
    there = list(databases)
    known = [(one, sizes[one.id]) for one in there if one.id in sizes]
    found = []
    counted = [one for one in there if one.state not in ENDED]
    if limits.databases is not None and len(counted) > limits.databases:
        allowed = amounts.counted(limits.databases, "database")
        found.append(
            Remark(
                words=f"There are {len(counted)} databases, and the limit is {allowed}: they stay,"
                " and no other is made.",
                advice="Delete what nobody needs, or allow more.",
            )
        )
    in_all = total_excess(limits, sum(size_bytes for _, size_bytes in known))
    if in_all is not None:
        found.append(Remark(words=in_all, advice="Drop what nobody needs, or allow more in all."))
    too_large = [
        one.name
        for one, size_bytes in known
        if one.state is DatabaseState.READY and excess(limits, size_bytes) is not None
    ]
    if too_large and limits.database_bytes is not None:
        who = f"{len(too_large)} open database{'s hold' if len(too_large) > 1 else ' holds'}"
        found.append(
            Remark(
                words=f"{who} more than {amounts.size(limits.database_bytes)}:"
                f" {amounts.listed(sorted(too_large))}.",
                advice="Unless there is space soon, these are frozen and let nobody in."
                if limits.freezes
                else "Nothing is closed: the limits say not to freeze. Delete rows, or allow more.",
            )
        )
    return tuple(found)


def freezing(
    limits: Limits,
    sizes: Iterable[tuple[Database, int]],
    *,
    frozen: frozenset[DatabaseId],
    now: datetime,
) -> Freezing:
    """Which databases close, and which open again, now that their sizes are known.

    Those that are closed already stand among the first: closing may be repeated. One that a person
    has just opened stays open for `OPEN_FOR`.
    """
    to_freeze, to_thaw = [], []
    for database, size_bytes in sizes:
        is_over = limits.freezes and excess(limits, size_bytes) is not None
        is_open = database.state is DatabaseState.READY and not is_just_opened(database, now)
        if is_over and (is_open or database.id in frozen):
            to_freeze.append(database.id)
        if not is_over and database.id in frozen:
            to_thaw.append(database.id)
    return Freezing(freeze=tuple(to_freeze), thaw=tuple(to_thaw))


def is_just_opened(database: Database, now: datetime) -> bool:
    """Whether a person opened it within `OPEN_FOR`.

    Not by a clock that was far ahead then: the limit would not hold until that time has come.
    """
    return database.opened_at is not None and abs(now - database.opened_at) < OPEN_FOR


def parse_size(text: str) -> int:
    """Bytes from `500MB`, `1.5 GB` or a plain number. Raises Invalid."""
    match = _SIZE.fullmatch(text.strip())
    found = floor(float(match[1]) * _UNITS[(match[2] or "").lower()]) if match else 0
    if not 0 < found <= _LARGEST:
        raise Invalid(f"{text!r} is not a size.", advice="Write it as 500MB or 1.5GB.")
    return found


def written(size_bytes: int) -> str:
    """A size as people write it, and in plain bytes where that would round it."""
    words = amounts.size(size_bytes)
    return words if parse_size(words) == size_bytes else str(size_bytes)


def _counts(other: Database, new: Database) -> bool:
    if other.state in ENDED:
        return False
    return other.ready_at is not None or other.id < new.id

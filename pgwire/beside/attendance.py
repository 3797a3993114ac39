"""Whether anybody connected to a database while a command ran: what to ask, and what it proves.

PostgreSQL counts the clients' sessions of each database, and everybody may read the number. It is
asked for twice in one session that stays open while the command runs, so that session counts for
nothing. A session of somebody else is either seen at the first look, or counted by the second: a
backend counts its session before it answers, at the latest before it leaves pg_stat_activity.

Pure; the sessions are of whoever asks, the Action on a runner or `coppice migrate`.

https://www.postgresql.org/docs/current/monitoring-stats.html#MONITORING-PG-STAT-DATABASE-VIEW
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

# All are fully qualified, operators included: nothing inside the database can stand in for these.
# Each is a transaction of its own, else the second look would be at the numbers of the first.

COUNT_NOW = "SELECT pg_catalog.pg_stat_force_next_flush()::pg_catalog.text"
"""Has this session counted by the time of the next question."""

OTHERS = (
    "SELECT (pg_catalog.count(*) FILTER (WHERE a.usename OPERATOR(pg_catalog.=) SESSION_USER))"
    "::pg_catalog.text,"
    " (pg_catalog.count(*) FILTER (WHERE a.usename OPERATOR(pg_catalog.<>) SESSION_USER))"
    "::pg_catalog.text"
    " FROM pg_catalog.pg_stat_activity AS a"
    " WHERE a.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()"
    " AND a.pid OPERATOR(pg_catalog.<>) pg_catalog.pg_backend_pid()"
)
"""How many others of this login are there, and how many of other logins; asked before COUNT.

Autovacuum and its like have no login."""

COUNT = (
    "SELECT d.sessions::pg_catalog.text, d.stats_reset::pg_catalog.text,"
    " pg_catalog.pg_backend_pid()::pg_catalog.text,"
    " pg_catalog.pg_is_in_recovery()::pg_catalog.text"
    " FROM pg_catalog.pg_stat_database AS d"
    " WHERE d.datname OPERATOR(pg_catalog.=) pg_catalog.current_database()"
)


@dataclass(frozen=True)
class Look:
    """Who is there, and how many have been."""

    mates: int
    """Other sessions of this login: perhaps some that are just ending."""
    strangers: int
    """Sessions of other logins."""
    sessions: int
    reset: str | None
    """When the count began anew."""
    process_id: int
    """Of the server process that answered."""
    is_standby: bool

    @property
    def is_alone(self) -> bool:
        return not self.mates and not self.strangers


def look_in(others: Sequence[Sequence[str | None]], count: Sequence[Sequence[str | None]]) -> Look:
    """Read the answers to OTHERS and COUNT. Raises ValueError."""
    [[mates, strangers]] = others
    [[sessions, reset, process_id, is_standby]] = count
    return Look(
        mates=int(mates or "x"),
        strangers=int(strangers or "x"),
        sessions=int(sessions or "x"),
        reset=reset,
        process_id=int(process_id or "x"),
        is_standby=is_standby != "false",
    )


def may_prove(before: Look, *, process_id: int) -> bool:
    """Whether a second look can prove anything.

    Not beside others (an application that is live), whose sessions nobody counts again. Not where
    the count did not see this session, nor on a standby: the command goes elsewhere. And not behind
    a pooler that lends its connections: whoever answers there is not the process that it names.

    Args:
        before: The first look.
        process_id: As the server named its process when the session began.
    """
    is_counted = before.sessions >= 1
    is_direct = before.process_id == process_id
    return before.is_alone and is_counted and is_direct and not before.is_standby


def nobody_came(before: Look, after: Look) -> bool:
    """Whether the two looks of one session, the first of which may prove it, prove it."""
    return after.is_alone and (after.sessions, after.reset, after.process_id, after.is_standby) == (
        before.sessions,
        before.reset,
        before.process_id,
        before.is_standby,
    )

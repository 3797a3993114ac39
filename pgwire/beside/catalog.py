"""What is asked of a database's catalog beside a command; nothing of a tenant's is read."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from pgwire.text import plain

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pgwire.client import Session

INDEX, CONSTRAINT = "index", "constraint"
LONGEST_NAME = 63
MOST_UNFINISHED = 400
"""As many are read: a message each, of which the client takes five hundred."""

# With a search path of our own, and out of the role that sessions begin with, because only the
# login itself is shown what its sessions do. For the transaction alone: should there be a pooler
# on the way, the command may get the same session next.
_QUESTION = """
BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL ROLE NONE;
SET LOCAL lock_timeout = '1s'; SET LOCAL statement_timeout = '2s';
{query};
COMMIT
"""
# Not indexes of partitioned tables, which are invalid until each partition has its part: that is
# made in steps. Nor what another login builds at this moment. NOT ENFORCED is PostgreSQL 18's.
_UNFINISHED = """
SELECT 'index', i.indexrelid::text, n.nspname, t.relname, c.relname
FROM pg_catalog.pg_index AS i
JOIN pg_catalog.pg_class AS c ON c.oid = i.indexrelid
JOIN pg_catalog.pg_class AS t ON t.oid = i.indrelid
JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT i.indisvalid AND c.relkind = 'i' AND n.nspname <> 'pg_toast' AND NOT EXISTS (
  SELECT FROM pg_catalog.pg_stat_progress_create_index AS p
  JOIN pg_catalog.pg_stat_activity AS a ON a.pid = p.pid
  WHERE p.index_relid = i.indexrelid AND a.usename <> session_user)
UNION ALL
SELECT 'constraint', k.oid::text, n.nspname, coalesce(t.relname, d.typname), k.conname
FROM pg_catalog.pg_constraint AS k
JOIN pg_catalog.pg_namespace AS n ON n.oid = k.connamespace
LEFT JOIN pg_catalog.pg_class AS t ON t.oid = k.conrelid
LEFT JOIN pg_catalog.pg_type AS d ON d.oid = k.contypid
WHERE NOT k.convalidated AND k.conparentid = 0
  AND pg_catalog.to_jsonb(k) ->> 'conenforced' IS DISTINCT FROM 'false'
ORDER BY 1 DESC, 3, 4, 5 LIMIT {most}
"""
# Of the login's own sessions. When a wait began is known from PostgreSQL 14 on.
_WAITING = """
SELECT l.pid::text, extract(epoch FROM clock_timestamp() - l.waitstart)::bigint::text,
  l.locktype, l.mode, n.nspname || '.' || c.relname, a.application_name
FROM pg_catalog.pg_locks AS l
JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
LEFT JOIN pg_catalog.pg_class AS c ON c.oid = l.relation
LEFT JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace
WHERE NOT l.granted AND a.usename = session_user AND l.pid <> pg_catalog.pg_backend_pid()
  AND l.waitstart <= clock_timestamp() - make_interval(secs => {seconds})
ORDER BY l.waitstart LIMIT 5
"""
HELD, QUEUED, INDIRECT = "held", "queued", "indirect"
"""Whoever keeps a session waiting: waits for nobody; waits too; is what those wait for who do."""
# PostgreSQL also names those who are ahead in the queue and wait themselves, perhaps for somebody
# whose lock is none in the way of this session. When a transaction began is shown to who has the
# rights of its role; pid, role and name to all.
_HOLDERS = """
WITH RECURSIVE ahead (pid) AS (
  SELECT unnest(pg_catalog.pg_blocking_pids({pid}))
  UNION SELECT unnest(pg_catalog.pg_blocking_pids(ahead.pid)) FROM ahead
), told AS (
  SELECT pid, pid = ANY (pg_catalog.pg_blocking_pids({pid})) AS is_direct,
    cardinality(pg_catalog.pg_blocking_pids(pid)) > 0 AS waits FROM ahead WHERE pid <> {pid}
)
SELECT told.pid::text, a.usename, a.application_name,
  extract(epoch FROM clock_timestamp() - a.xact_start)::bigint::text, a.state,
  CASE WHEN told.waits THEN 'queued' WHEN told.is_direct THEN 'held' ELSE 'indirect' END
FROM told LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = told.pid
WHERE told.is_direct OR NOT told.waits ORDER BY told.waits, NOT told.is_direct, told.pid LIMIT 5
"""
_BEHIND = """
SELECT DISTINCT l.pid::text, a.usename, a.application_name FROM pg_catalog.pg_locks AS l
LEFT JOIN pg_catalog.pg_stat_activity AS a ON a.pid = l.pid
WHERE NOT l.granted AND l.pid <> {pid} AND {pid} = ANY (pg_catalog.pg_blocking_pids(l.pid))
ORDER BY 1 LIMIT 100
"""


@dataclass(frozen=True)
class Unfinished:
    """An invalid index, or a constraint that is not validated."""

    kind: str
    """INDEX or CONSTRAINT."""
    namespace: str
    table: str
    """Or domain."""
    name: str


def waiting(session: Session, *, seconds: float) -> list[list[str | None]]:
    """Sessions of this login that wait for a lock for so long.

    Each with pid, seconds, kind, mode, table, application.
    """
    return _ask(session, _WAITING.format(seconds=float(seconds)))


def holders(session: Session, pid: int) -> list[list[str | None]]:
    """Who keeps a session waiting: pid, role, application, seconds of its transaction, state, how.

    How is HELD, QUEUED or INDIRECT.
    """
    return _ask(session, _HOLDERS.format(pid=int(pid)))


def behind(session: Session, pid: int) -> list[list[str | None]]:
    """Who waits for what a session holds, or waits for too: pid, role, application."""
    return _ask(session, _BEHIND.format(pid=int(pid)))


def unfinished(session: Session) -> dict[str, Unfinished]:
    """By kind and number: one that was dropped and made again is another one."""
    found = {}
    for kind, oid, namespace, table, name in _ask(
        session, _UNFINISHED.format(most=MOST_UNFINISHED)
    ):
        shown = (plain(text or "", limit=LONGEST_NAME) for text in (namespace, table, name))
        found[f"{kind} {oid}"] = Unfinished(str(kind), *shown)
    return found


def new(
    before: Mapping[str, Unfinished], after: Mapping[str, Unfinished]
) -> tuple[Unfinished, ...]:
    """What was not there before, of the kinds of which all were read then: indexes come first."""
    is_whole = len(before) < MOST_UNFINISHED
    indexes = sum(one.kind == INDEX for one in before.values())
    known = {INDEX, CONSTRAINT} if is_whole else {INDEX} if indexes < MOST_UNFINISHED else set()
    return tuple(one for key, one in after.items() if key not in before and one.kind in known)


def _ask(session: Session, query: str) -> list[list[str | None]]:
    return session.rows(_QUESTION.format(query=query))

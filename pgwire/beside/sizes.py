"""Reads how large the tables of a database are, mostly by its catalog's estimates."""

from __future__ import annotations

import json
from collections import Counter
from contextlib import suppress
from typing import TYPE_CHECKING

from pgwire.beside.watch import TROUBLE
from pgwire.client import LoginRefused
from pgwire.trace import relations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pgwire.client import Session

_MOST_TABLES = 5_000
# VACUUM and ANALYZE write down how many pages there are, and a rewrite forgets that. The size of a
# file can be had only behind a lock that others may keep for long: not of these, and not for long.
_NOT_WRITTEN_DOWN = """
BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL statement_timeout = '5s';
SET LOCAL lock_timeout = '100ms';
SELECT json_agg(json_build_array(file.owner, pg_relation_size(file.oid))) FROM (
  SELECT c.oid, c.oid::int8 AS owner, c.relpages FROM pg_class AS c WHERE c.relkind IN ('r', 'm')
  UNION ALL
  SELECT t.oid, c.oid::int8, t.relpages FROM pg_class AS c JOIN pg_class AS t
    ON t.oid = c.reltoastrelid WHERE c.relkind IN ('r', 'm')
) AS file WHERE file.owner >= 16384 AND file.relpages = 0 AND NOT EXISTS (
  SELECT FROM pg_locks AS l WHERE l.relation = file.oid AND l.mode = 'AccessExclusiveLock'
    AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database()));
COMMIT
"""


def read(session: Session | None) -> Mapping[str, Mapping[str, int]] | None:
    """Give rows (-1: never estimated) and bytes of each table, the largest first.

    By the names that a trace has. None where they cannot be read, which is nobody's failure.
    """
    if session is None:
        return None
    try:
        known = relations.read(session)
        bytes_of = _written_down_nowhere(session)
    except TROUBLE:
        return None
    found = [
        (str(each), each.rows, each.bytes + bytes_of.get(each.oid, 0)) for each in known.tables()
    ]
    # Rows and bytes of a partitioned table are those of its partitions, which others may not have.
    for table in known.partitioned():
        parts = [each for each in known.partitions(table) if not each.is_partitioned]
        rows = sum(max(each.rows, 0) for each in parts)
        size = sum(each.bytes + bytes_of.get(each.oid, 0) for each in parts)
        found.append((str(table), rows, size))
    found.sort(key=lambda each: each[2], reverse=True)
    return {name: {"rows": rows, "bytes": size} for name, rows, size in found[:_MOST_TABLES]}


def _written_down_nowhere(session: Session) -> Mapping[int, int]:
    """Give the bytes of tables, and of what is stored beside, whose pages nobody wrote down."""
    try:
        [[text]] = session.rows(_NOT_WRITTEN_DOWN)
    except LoginRefused:  # the server said no: somebody has just locked one of them
        with suppress(LoginRefused):
            session.rows("ROLLBACK")
        return {}
    found: Counter[int] = Counter()
    for owner, size in json.loads(text or "[]"):
        found[owner] += size or 0  # of what was dropped in this moment it is null
    return found

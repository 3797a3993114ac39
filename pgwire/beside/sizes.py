"""Reads how large the tables of a database are, by its catalog's estimates: nothing is counted."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from pgwire.beside.watch import TROUBLE
from pgwire.trace import relations

if TYPE_CHECKING:
    from collections.abc import Mapping

    from pgwire.client import Session

_MOST_TABLES = 5_000
# Rows and bytes of a partitioned table are those of its partitions, which others may not have.
_PARENTS = """
SELECT pg_catalog.json_agg(pg_catalog.json_build_array(
  pg_catalog.format('%I.%I', n.nspname, c.relname), sizes.rows, sizes.bytes))
FROM pg_catalog.pg_class AS c JOIN pg_catalog.pg_namespace AS n ON n.oid = c.relnamespace,
LATERAL (
  SELECT coalesce(sum(greatest(part.reltuples, 0)), 0)::bigint AS rows,
    coalesce(sum(greatest(part.relpages, 0)), 0)::bigint
      * pg_catalog.current_setting('block_size')::bigint AS bytes
  FROM pg_catalog.pg_partition_tree(c.oid) AS tree
  JOIN pg_catalog.pg_class AS part ON part.oid = tree.relid AND tree.isleaf
) AS sizes WHERE c.relkind = 'p'
"""


def read(session: Session | None) -> Mapping[str, Mapping[str, int]] | None:
    """Give rows (-1: never estimated) and bytes of each table, the largest first.

    By the names that a trace has. None where they cannot be read, which is nobody's failure.
    """
    if session is None:
        return None
    try:
        tables = relations.read(session).tables()
        [[parents]] = session.rows(_PARENTS)
    except TROUBLE:
        return None
    found = [(str(each), each.rows, each.bytes) for each in tables]
    found += [(name, rows, size) for name, rows, size in json.loads(parents or "[]")]
    found.sort(key=lambda each: each[2], reverse=True)
    return {name: {"rows": rows, "bytes": size} for name, rows, size in found[:_MOST_TABLES]}

"""The relations that were there before a command: those that somebody may be waiting for."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from pgwire.client import Session

_MOST_PER_ROW = 1_000
# A thousand in a row of the answer: the client takes some hundred rows. Only estimates of the
# catalog: nothing of the tables is read. ANALYZE gives -1 pages to what has none of its own; what
# is stored beside a table's rows, a rewrite copies as well.
_QUESTION = """
BEGIN ISOLATION LEVEL READ COMMITTED READ ONLY;
SET LOCAL search_path = pg_catalog, pg_temp; SET LOCAL statement_timeout = '10s';
SELECT json_agg(json_build_array(
  oid, name, nspname, relname, relkind, rows, bytes, file, owner, parent, is_clustered)) FROM (
  SELECT c.oid::int8, format('%I.%I', n.nspname, c.relname) AS name, n.nspname, c.relname,
    c.relkind, c.relfilenode::int8 AS file,
    c.reltuples::int8 AS rows, (greatest(c.relpages, 0) + coalesce((SELECT relpages
      FROM pg_class WHERE oid = c.reltoastrelid), 0))::int8
      * current_setting('block_size')::int8 AS bytes,
    CASE c.relkind WHEN 'S' THEN (SELECT refobjid
      FROM pg_depend WHERE classid = 'pg_class'::regclass AND objid = c.oid
      AND refclassid = 'pg_class'::regclass AND deptype IN ('a', 'i') LIMIT 1)
    ELSE i.indrelid END::int8 AS owner,
    CASE WHEN c.relispartition THEN (SELECT inhparent FROM pg_inherits
      WHERE inhrelid = c.oid) END::int8 AS parent,
    c.relhasindex AND EXISTS (
      SELECT FROM pg_index WHERE indrelid = c.oid AND indisclustered) AS is_clustered,
    row_number() OVER (ORDER BY c.oid) / {most} AS part
  FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
  LEFT JOIN pg_index AS i ON i.indexrelid = c.oid
  WHERE c.oid >= 16384 AND c.relkind IN ('r', 'p', 'm', 'v', 'f', 'i', 'I', 'S')
    AND c.relpersistence <> 't'
    AND n.nspname NOT IN ('information_schema', 'pg_toast')
) AS known GROUP BY part;
COMMIT
"""
_STORED = ("r", "m")
_PARTITIONED = "p"
_PART_OF_OTHERS = ("i", "I", "S")
_PLAIN = re.compile(r"[a-z_][a-z0-9_]*")
_PART = re.compile(r'"(?:[^"]|"")+"|[^\s."]+')


class Relation(NamedTuple):
    """A table, index, view or sequence, as it was before the command."""

    oid: int
    full_name: str
    """With its schema, both as SQL writes them."""
    namespace: str
    name: str
    kind: str
    """pg_class.relkind"""
    rows: int
    """The catalog's estimate; -1 where the relation was never looked at."""
    bytes: int
    file_number: int
    table: int | None = None
    """Whose index it is, or to whose column a sequence belongs."""
    parent: int | None = None
    """Whose partition it is."""
    is_clustered: bool = False
    """CLUSTER has an index by which it sorts it again."""

    @property
    def is_stored(self) -> bool:
        """Whether it is a table or materialized view with rows of its own."""
        return self.kind in _STORED

    @property
    def is_partitioned(self) -> bool:
        return self.kind == _PARTITIONED

    @property
    def is_secondary(self) -> bool:
        """Whether it is an index or a sequence: statements lock them along with their tables."""
        return self.kind in _PART_OF_OTHERS

    def __str__(self) -> str:
        return self.full_name


class Relations:
    """All of them, and which file each is in now: a changed file number is a rewrite."""

    def __init__(self, relations: list[Relation]) -> None:
        self._by_oid = {each.oid: each for each in relations}
        self._files: dict[int, int | None] = {each.oid: each.file_number for each in relations}
        self._by_name: dict[str, list[Relation]] = {}
        self._parts: dict[int, list[Relation]] = {}
        for each in relations:
            self._by_name.setdefault(each.name, []).append(each)
            owner = each.table if each.parent is None or each.is_secondary else each.parent
            if owner is not None:
                self._parts.setdefault(owner, []).append(each)

    def get(self, oid: int) -> Relation | None:
        """Find one; None for what was made since."""
        return self._by_oid.get(oid)

    def is_committed(self, oid: int) -> bool:
        """Whether others know it: it was there before, or a transaction that made it ended."""
        return oid in self._files

    @property
    def has_grown(self) -> bool:
        """Whether relations were made since."""
        return len(self._files) > len(self._by_oid)

    def file_number(self, oid: int) -> int | None:
        """Say in which file it is, as far as was committed; None where nobody knows."""
        return self._files[oid]

    def moved(self, files: Mapping[int, int | None]) -> None:
        """Take note of file numbers that a transaction committed, of new ones too."""
        self._files.update(files)

    def moved_perhaps(self) -> None:
        """Forget in which files those are that were made since: no words of theirs are known."""
        self._files.update((oid, None) for oid in self._files.keys() - self._by_oid.keys())

    def moved_since(self, later: Relations) -> list[int]:
        """List those with rows that are in another file then; not whose file nobody knows."""
        return [
            oid
            for oid, file in self._files.items()
            if (relation := later.get(oid)) is not None
            and relation.is_stored
            and file not in (None, relation.file_number)
        ]

    def tables(self) -> list[Relation]:
        """List those with rows of their own, the largest first."""
        found = [each for each in self._by_oid.values() if each.is_stored]
        return sorted(found, key=lambda each: each.bytes, reverse=True)

    def partitioned(self) -> list[Relation]:
        """List those whose rows are in partitions."""
        return [each for each in self._by_oid.values() if each.is_partitioned]

    def partitions(self, relation: Relation) -> Iterator[Relation]:
        """List those below it, partitioned themselves or not."""
        for each in self._parts.get(relation.oid, ()):
            if not each.is_secondary:
                yield each
                yield from self.partitions(each)

    def indexes(self, relation: Relation) -> list[Relation]:
        """List those of one table, without its partitions'."""
        return [each for each in self._parts.get(relation.oid, ()) if each.kind == "i"]

    def all_named(self, text: str) -> list[Relation]:
        """Find what a statement calls so, and its partitions; of `*` or `schema.*` all stored."""
        if text == "*":
            return self.tables()
        if text.endswith(".*"):
            namespace = unquoted(text[:-2])
            return [each for each in self.tables() if each.namespace == namespace]
        found = self.named(text)
        if found is not None and found.kind == "I" and found.table is not None:
            found = self.get(found.table)
        return [found, *self.partitions(found)] if found is not None else []

    def named(self, text: str) -> Relation | None:
        """Find what a statement calls so; None where that is not certain."""
        parts = [unquoted(part) for part in _PART.findall(text)]
        found = self._by_name.get(parts[-1], []) if parts else []
        if len(parts) > 1:
            found = [each for each in found if each.namespace == parts[-2]]
        if len(found) > 1:
            found = [each for each in found if each.namespace == "public"]
        return found[0] if found else None


def read(session: Session) -> Relations:
    """Ask for all of a database, in one statement. Raises what a session raises."""
    rows = session.rows(_QUESTION.format(most=_MOST_PER_ROW))
    return Relations([Relation(*each) for (text,) in rows for each in json.loads(text or "[]")])


def unquoted(part: str) -> str:
    """Say which name a word of SQL is."""
    return part[1:-1].replace('""', '"') if part.startswith('"') else part.lower()


def qualified(text: str) -> str:
    """Write a name with its schema, `public` if it has none; quoted, but for keywords."""
    parts = ["public", *(unquoted(part) for part in _PART.findall(text))][-2:]
    return ".".join(each if _PLAIN.fullmatch(each) else f'"{_doubled(each)}"' for each in parts)


def _doubled(name: str) -> str:
    return name.replace('"', '""')

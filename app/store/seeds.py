"""Seeds in the state database: which databases have theirs, and which are owed one."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.databases import Database
from app.core.identifiers import DatabaseId
from app.core.seeding import Seed


class Seeds:
    """Which databases have their seed. A database that starts afresh is as if never seen."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def of(self, database: Database) -> Seed | None:
        """None when nothing is remembered of this generation."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT is_owed, seeded_at FROM seeds WHERE database_id = %s AND generation = %s",
                [database.id, database.generation],
            ).fetchone()
        return Seed(**row) if row else None

    def known(self, database_ids: Sequence[DatabaseId]) -> Mapping[DatabaseId, Seed]:
        """The same for several, read together."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT s.database_id, s.is_owed, s.seeded_at FROM seeds s JOIN databases d"
                " ON d.id = s.database_id AND d.generation = s.generation WHERE d.id = ANY(%s)",
                [list(database_ids)],
            ).fetchall()
        return {DatabaseId(row.pop("database_id")): Seed(**row) for row in rows}

    def settle(self, database: Database, *, at: datetime | None) -> None:
        """It was seeded at this time; None: it needs no seed, and what was before stays known."""
        self._save(database, is_owed=False, seeded_at=at)

    def owe(self, database: Database) -> None:
        """The next run seeds it."""
        self._save(database, is_owed=True, seeded_at=None)

    def _save(self, database: Database, *, is_owed: bool, seeded_at: datetime | None) -> None:
        with self._pool.connection() as connection:
            # What belongs to another generation is forgotten: its data went with it.
            connection.execute(
                "INSERT INTO seeds (database_id, generation, is_owed, seeded_at)"
                " VALUES (%s, %s, %s, %s) ON CONFLICT (database_id) DO UPDATE"
                " SET (generation, is_owed, seeded_at) = (excluded.generation, excluded.is_owed,"
                "   CASE WHEN seeds.generation = excluded.generation"
                "     THEN coalesce(excluded.seeded_at, seeds.seeded_at)"
                "     ELSE excluded.seeded_at END)",
                [database.id, database.generation, is_owed, seeded_at],
            )

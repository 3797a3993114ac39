"""Seeds in the state database: which databases have theirs, and which are owed one."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from app.core.databases import Database
from app.core.identifiers import DatabaseId
from app.core.seeding import Seed
from app.store.tables import Table, read


class Seeds(Table):
    """Which databases have their seed. A database that starts afresh is as if never seen."""

    def of(self, database: Database) -> Seed | None:
        """None when nothing is remembered of this generation."""
        return self._one(
            Seed,
            "SELECT * FROM seeds WHERE database_id = %s AND generation = %s",
            [database.id, database.generation],
        )

    def known(self, database_ids: Sequence[DatabaseId]) -> Mapping[DatabaseId, Seed]:
        """What is remembered of the present generations of several, read together."""
        rows = self._rows(
            "SELECT s.* FROM seeds s JOIN databases d"
            " ON d.id = s.database_id AND d.generation = s.generation WHERE d.id = ANY(%s)",
            [list(database_ids)],
        )
        return {row["database_id"]: read(Seed, row) for row in rows}

    def settle(self, database: Database, *, at: datetime | None) -> None:
        """It was seeded at this time; None: it needs no seed, and what was before stays known."""
        self._save(database, is_owed=False, seeded_at=at)

    def owe(self, database: Database) -> None:
        """The next run seeds it."""
        self._save(database, is_owed=True, seeded_at=None)

    def _save(self, database: Database, *, is_owed: bool, seeded_at: datetime | None) -> None:
        # What belongs to another generation is forgotten: its data went with it.
        self._change(
            "INSERT INTO seeds (database_id, generation, is_owed, seeded_at)"
            " VALUES (%s, %s, %s, %s) ON CONFLICT (database_id) DO UPDATE"
            " SET (generation, is_owed, seeded_at) = (excluded.generation, excluded.is_owed,"
            "   CASE WHEN seeds.generation = excluded.generation"
            "     THEN coalesce(excluded.seeded_at, seeds.seeded_at)"
            "     ELSE excluded.seeded_at END)",
            [database.id, database.generation, is_owed, seeded_at],
        )

"""Leases in the state database: who holds a database."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.identifiers import DatabaseId, MigrationId
from app.core.runs import Lease
from app.store.migration_runs import migration_from

# A seized one has expired for ever, for which Python has no time.
_SELECT: LiteralString = """
    SELECT migrations.*, greatest(leases.expires_at, 'epoch') AS expires_at
    FROM leases JOIN migrations ON migrations.id = leases.migration_id
    WHERE
"""


class Leases:
    """Who holds a database."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def of(self, database_id: DatabaseId) -> Lease | None:
        with self._pool.connection() as connection:
            row = connection.execute(_SELECT + "leases.database_id = %s", [database_id]).fetchone()
        return _lease(row) if row else None

    def renew(self, migration_id: MigrationId, *, expires_at: datetime) -> bool:
        """Hold on; False when the lease was seized or has ended."""
        # A seized lease has expired for ever; one that merely expired comes back to life.
        return self._change(
            "UPDATE leases SET expires_at = %s WHERE migration_id = %s"
            " AND expires_at > '-infinity' AND EXISTS (SELECT FROM migrations"
            "   WHERE migrations.id = migration_id AND finished_at IS NULL)",
            [expires_at, migration_id],
        )

    def release(self, migration_id: MigrationId) -> None:
        self._change("DELETE FROM leases WHERE migration_id = %s", [migration_id])

    def expired(self, at: datetime) -> Sequence[Lease]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                _SELECT + "leases.expires_at <= %s ORDER BY leases.database_id", [at]
            ).fetchall()
        return [_lease(row) for row in rows]

    def seize(self, migration_id: MigrationId, *, at: datetime) -> bool:
        """Make an expired lease impossible to renew; it still keeps others out. May be repeated.

        False when it was renewed or has ended meanwhile.
        """
        return self._change(
            "UPDATE leases SET expires_at = '-infinity'"
            " WHERE migration_id = %s AND expires_at <= %s",
            [migration_id, at],
        )

    def _change(self, query: LiteralString, parameters: Sequence[object]) -> bool:
        with self._pool.connection() as connection:
            return connection.execute(query, parameters).rowcount > 0


def _lease(row: DictRow) -> Lease:
    expires_at = row.pop("expires_at")
    return Lease(
        database_id=row["database_id"],
        migration=migration_from(row),
        expires_at=expires_at,
    )

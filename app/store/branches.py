"""Branches without a database that a reconcile leaves alone."""

from collections.abc import Iterable

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.identifiers import AppId, BranchName


class DormantBranches:
    """Branches without a database that a reconcile leaves alone."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def of_app(self, app_id: AppId) -> frozenset[BranchName]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT branch FROM dormant_branches WHERE app_id = %s", [app_id]
            )
            return frozenset(row["branch"] for row in rows)

    def begin(self, app_id: AppId, branches: Iterable[BranchName]) -> None:
        """These were there before the app was; does nothing once that is recorded."""
        with self._pool.connection() as connection:
            connection.execute(
                "WITH begun AS (UPDATE apps SET branches_seen_at = now()"
                " WHERE id = %(app)s AND branches_seen_at IS NULL RETURNING id)"
                " INSERT INTO dormant_branches SELECT id, unnest(%(branches)s::text[]) FROM begun"
                " ON CONFLICT DO NOTHING",
                {"app": app_id, "branches": list(branches)},
            )

    def keep_only(self, app_id: AppId, branches: Iterable[BranchName]) -> None:
        """Forget those that are gone or have a database now."""
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM dormant_branches WHERE app_id = %s AND branch <> ALL(%s::text[])",
                [app_id, list(branches)],
            )

"""Branches without a database that a reconcile leaves alone."""

from collections.abc import Iterable

from app.core.identifiers import AppId, BranchName
from app.store.tables import Table


class DormantBranches(Table):
    """Branches without a database that a reconcile leaves alone."""

    def of_app(self, app_id: AppId) -> frozenset[BranchName]:
        rows = self._rows("SELECT branch FROM dormant_branches WHERE app_id = %s", [app_id])
        return frozenset(row["branch"] for row in rows)

    def begin(self, app_id: AppId, branches: Iterable[BranchName]) -> None:
        """These were there before the app was; does nothing once that is recorded."""
        self._change(
            "WITH begun AS (UPDATE apps SET branches_seen_at = now()"
            " WHERE id = %(app)s AND branches_seen_at IS NULL RETURNING id)"
            " INSERT INTO dormant_branches SELECT id, unnest(%(branches)s::text[]) FROM begun"
            " ON CONFLICT DO NOTHING",
            {"app": app_id, "branches": list(branches)},
        )

    def keep_only(self, app_id: AppId, branches: Iterable[BranchName]) -> None:
        """Forget those that are gone or have a database now."""
        self._change(
            "DELETE FROM dormant_branches WHERE app_id = %s AND branch <> ALL(%s::text[])",
            [app_id, list(branches)],
        )

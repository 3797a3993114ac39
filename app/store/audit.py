"""The audit trail in the state database: who did what, kept for ever."""

from collections.abc import Sequence

from app.core.audit import AuditEntry, called
from app.store.tables import Table


class Audit(Table):
    """Who did what, when, and from where."""

    def record(
        self, actor: str, action: str, subject: str, *, detail: str = "", source: str = ""
    ) -> None:
        self._change(
            "INSERT INTO audit (actor, action, subject, detail, source)"
            " VALUES (%s, %s, %s, %s, %s)",
            [actor, action, subject, detail, source],
        )

    def latest(
        self, *, limit: int = 100, before: int | None = None, containing: str = ""
    ) -> Sequence[AuditEntry]:
        """The newest entries, newest first; with `before` those older than the entry of that id.

        With `containing` only those that have the text somewhere, compared without case, and those
        whose action people call so.
        """
        return self._all(
            AuditEntry,
            "SELECT * FROM audit WHERE (%(before)s::bigint IS NULL OR id < %(before)s)"
            " AND (strpos(lower(concat_ws(' ', actor, action, subject, detail, source)),"
            " lower(%(containing)s)) > 0 OR action = ANY(%(actions)s))"
            " ORDER BY id DESC LIMIT %(limit)s",
            {
                "before": before,
                "limit": limit,
                "containing": containing,
                "actions": called(containing) if containing else [],
            },
        )

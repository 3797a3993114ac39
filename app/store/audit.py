"""The audit trail in the state database: who did what, kept for ever."""

from collections.abc import Sequence

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.audit import AuditEntry, called


class Audit:
    """Who did what, when, and from where."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def record(
        self, actor: str, action: str, subject: str, *, detail: str = "", source: str = ""
    ) -> None:
        with self._pool.connection() as connection:
            connection.execute(
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
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT id, at, actor, action, subject, detail, source FROM audit"
                " WHERE (%(before)s::bigint IS NULL OR id < %(before)s)"
                " AND (strpos(lower(concat_ws(' ', actor, action, subject, detail, source)),"
                " lower(%(containing)s)) > 0 OR action = ANY(%(actions)s))"
                " ORDER BY id DESC LIMIT %(limit)s",
                {
                    "before": before,
                    "limit": limit,
                    "containing": containing,
                    "actions": called(containing) if containing else [],
                },
            ).fetchall()
        return [AuditEntry(**row) for row in rows]

"""The audit trail in the state database: who did what, kept for ever."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditEntry:
    """One line of the trail."""

    at: datetime
    actor: str
    action: str
    subject: str
    detail: str


class PostgresAudit:
    """The `Audit` port on the state database."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def record(self, actor: str, action: str, subject: str, *, detail: str = "") -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO audit (actor, action, subject, detail) VALUES (%s, %s, %s, %s)",
                [actor, action, subject, detail],
            )

    def latest(self, *, limit: int = 100) -> Sequence[AuditEntry]:
        """The newest entries, newest first."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT at, actor, action, subject, detail FROM audit ORDER BY id DESC LIMIT %s",
                [limit],
            ).fetchall()
        return [AuditEntry(**row) for row in rows]

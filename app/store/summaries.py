"""The comments about pull requests' databases, and what they tell of."""

from collections.abc import Callable, Sequence
from typing import Any

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.conversation import Summary
from app.core.identifiers import PullRequestNumber, RepositoryId
from app.core.intents import Intent, PostSummary

_LATE = """
    SELECT repository_id, number FROM summaries s
    WHERE updated_at BETWEEN now() - interval '3 days' AND now() - interval '10 min'
        AND (is_late OR is_asked OR news IS NOT NULL AND says_open AND EXISTS (
            SELECT FROM pull_requests p
            WHERE (p.repository_id, p.number) = (s.repository_id, s.number) AND NOT is_open))
        AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE task_name = 'summaries:post'
            AND status IN ('todo', 'doing')
            AND (args->>'repository_id')::bigint = s.repository_id
            AND (args->>'number')::bigint = s.number)
"""


class Summaries:
    """The comments about pull requests' databases."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[DictRow]],
        *,
        defer: Callable[[Connection[Any], Sequence[Intent]], None],
    ) -> None:
        self._pool = pool
        self._defer = defer

    def get(self, repository_id: RepositoryId, number: PullRequestNumber) -> Summary | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT comment_id, news, says_open, is_due, is_asked, is_late FROM summaries"
                " WHERE repository_id = %s AND number = %s",
                [repository_id, number],
            ).fetchone()
        return Summary(**row) if row else None

    def want(
        self, repository_id: RepositoryId, number: PullRequestNumber, *, is_asked: bool
    ) -> None:
        """Have it written without waiting for a migration, or, if a person asks, in any case."""
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO summaries AS s (repository_id, number, is_due, is_asked)"
                " VALUES (%s, %s, true, %s) ON CONFLICT (repository_id, number) DO UPDATE"
                " SET is_due = true, is_asked = s.is_asked OR excluded.is_asked,"
                " updated_at = now()",
                [repository_id, number, is_asked],
            )
            self._defer(connection, [PostSummary(repository_id=repository_id, number=number)])

    def begin(self, repository_id: RepositoryId, number: PullRequestNumber) -> None:
        """It is being written; it is late until it is."""
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO summaries (repository_id, number, is_late) VALUES (%s, %s, true)"
                " ON CONFLICT (repository_id, number) DO UPDATE"
                " SET is_late = true, updated_at = now()",
                [repository_id, number],
            )

    def written(
        self, repository_id: RepositoryId, number: PullRequestNumber, summary: Summary
    ) -> None:
        """GitHub shows it; whatever was wanted is done."""
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE summaries SET comment_id = %s, news = %s, says_open = %s,"
                " is_due = false, is_asked = false, is_late = false, updated_at = now()"
                " WHERE repository_id = %s AND number = %s",
                [summary.comment_id, summary.news, summary.says_open, repository_id, number],
            )

    def requeue_late(self) -> int:
        """Queue those whose job gave up, and last words never said; returns how many."""
        with self._pool.connection() as connection:
            rows = connection.execute(_LATE).fetchall()
            self._defer(connection, [PostSummary(**row) for row in rows])
        return len(rows)

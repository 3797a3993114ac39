"""Commands that people gave in comments."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from typing import Any

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.commands import Verb
from app.core.conversation import Command
from app.core.errors import NotFound
from app.core.identifiers import CommentId, DatabaseId
from app.core.intents import Intent, PostReply, RunCommand

_LATE = """
    UPDATE commands c SET is_given_up = NOT is_done
    WHERE received_at BETWEEN now() - interval '3 days' AND now() - interval '10 min'
        AND (NOT is_done OR reply IS NOT NULL AND reply_id IS NULL)
        AND NOT EXISTS (SELECT FROM procrastinate_jobs
            WHERE task_name IN ('commands:run', 'replies:post') AND status IN ('todo', 'doing')
            AND (args->>'comment_id')::bigint = c.comment_id)
    RETURNING repository_id, number, comment_id, is_done
"""


class Commands:
    """Commands; a delivery stores them."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[DictRow]],
        *,
        defer: Callable[[Connection[Any], Sequence[Intent]], None],
    ) -> None:
        self._pool = pool
        self._defer = defer

    def get(self, comment_id: CommentId) -> Command:
        """Raise NotFound when there is none."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT * FROM commands WHERE comment_id = %s", [comment_id]
            ).fetchone()
        if row is None:
            raise NotFound(f"There is no command in comment {comment_id}.")
        return _command(row)

    def done(
        self, comment_id: CommentId, *, reply: str | None, then: Sequence[Intent] = ()
    ) -> None:
        """It was carried out or refused; the reply, if any, is to be posted."""
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE commands SET is_done = true, reply = %s WHERE comment_id = %s",
                [reply, comment_id],
            )
            self._defer(connection, then)

    def begin_reply(self, comment_id: CommentId) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE commands SET is_reply_begun = true WHERE comment_id = %s", [comment_id]
            )

    def replied(self, comment_id: CommentId, reply_id: CommentId) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE commands SET reply_id = %s WHERE comment_id = %s", [reply_id, comment_id]
            )

    def requeue_late(self) -> int:
        """Queue those whose job gave up, and replies that were not posted; returns how many."""
        with self._pool.connection() as connection:
            rows = connection.execute(_LATE).fetchall()
            intents = [(PostReply if row.pop("is_done") else RunCommand)(**row) for row in rows]
            self._defer(connection, intents)
        return len(rows)


def _command(row: DictRow) -> Command:
    values = {field.name: row[field.name] for field in fields(Command)}
    pinned = {DatabaseId(int(key)): generation for key, generation in row["pinned"].items()}
    return Command(**{**values, "verb": Verb(row["verb"]), "pinned": pinned})

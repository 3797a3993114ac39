"""What is said below pull requests: commands of people, and the comments about databases."""

from dataclasses import fields

from app.core.commands import Verb
from app.core.conversation import Command, Summary
from app.core.errors import NotFound
from app.core.identifiers import CommentId, DatabaseId, PullRequestNumber, RepositoryId
from app.core.intents import RunCommand, reply_to, summary_of
from app.core.outbox import Text, TextKind
from app.store.connection import StatePool
from app.store.jobs import defer
from app.store.outbox import Outbox
from app.store.tables import Table

_LATE = """
    UPDATE commands c SET is_given_up = true
    WHERE received_at BETWEEN now() - interval '3 days' AND now() - interval '10 min'
        AND NOT is_done
        AND NOT EXISTS (SELECT FROM procrastinate_jobs
            WHERE task_name = 'commands:run' AND status IN ('todo', 'doing')
            AND (args->>'comment_id')::bigint = c.comment_id)
    RETURNING repository_id, number, comment_id
"""
_SUMMARY = """
    SELECT news, coalesce(says_open, true) AS says_open, coalesce(is_asked, false) AS is_asked,
        coalesce(is_due, false) OR posted < wanted AS is_due
    FROM outbox LEFT JOIN summaries USING (id)
    WHERE kind = %s AND repository_id = %s AND place = %s
"""
_WANT_SUMMARY = """
    INSERT INTO summaries AS s (id, is_due, is_asked) VALUES (%s, true, %s)
    ON CONFLICT (id) DO UPDATE SET is_due = true, is_asked = s.is_asked OR excluded.is_asked
"""
# Who asked meanwhile is still to be answered.
_TOLD = """
    INSERT INTO summaries AS s (id, news, says_open) VALUES (%s, %s, %s)
    ON CONFLICT (id) DO UPDATE
        SET news = excluded.news, says_open = excluded.says_open, is_due = false,
            is_asked = s.is_asked AND (SELECT wanted > %s FROM outbox o WHERE o.id = s.id)
"""


class Conversation(Table):
    """Commands, which a delivery stores, and what the comments about databases told."""

    def __init__(self, pool: StatePool, outbox: Outbox) -> None:
        super().__init__(pool)
        self._outbox = outbox

    def command(self, comment_id: CommentId) -> Command:
        """Raise NotFound when there is none."""
        row = self._row("SELECT * FROM commands WHERE comment_id = %s", [comment_id])
        if row is None:
            raise NotFound(f"There is no command in comment {comment_id}.")
        values = {field.name: row[field.name] for field in fields(Command)}
        pinned = {DatabaseId(int(key)): generation for key, generation in row["pinned"].items()}
        return Command(**{**values, "verb": Verb(row["verb"]), "pinned": pinned})

    def done(self, comment_id: CommentId, *, reply: str | None = None) -> None:
        """A command was carried out or refused; the reply, if any, is to be posted."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "UPDATE commands SET is_done = true, reply = %s WHERE comment_id = %s"
                " RETURNING repository_id, number",
                [reply, comment_id],
            ).fetchone()
            if row is not None and reply is not None:
                self._outbox.want(connection, reply_to(comment_id, **row))

    def requeue_late(self) -> int:
        """Queue commands whose job gave up; returns how many."""
        with self._pool.connection() as connection:
            rows = connection.execute(_LATE).fetchall()
            defer(connection, [RunCommand(**row) for row in rows])
        return len(rows)

    def summary(self, repository_id: RepositoryId, number: PullRequestNumber) -> Summary | None:
        return self._one(Summary, _SUMMARY, [TextKind.SUMMARY, repository_id, str(number)])

    def want_summary(
        self, repository_id: RepositoryId, number: PullRequestNumber, *, is_asked: bool
    ) -> None:
        """Have it written without waiting for a migration, or, if a person asks, in any case."""
        with self._pool.connection() as connection:
            text = self._outbox.want(connection, summary_of(repository_id, number))
            connection.execute(_WANT_SUMMARY, [text.id, is_asked])

    def told(self, text: Text, *, news: str, says_open: bool) -> None:
        """GitHub shows a summary; whatever was wanted until then is done."""
        self._change(_TOLD, [text.id, news, says_open, text.wanted])

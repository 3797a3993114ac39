"""The outbox: which texts should stand at GitHub, which do, and how fast they may go there."""

from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import DictRow

from app.core.errors import NotFound
from app.core.identifiers import InstallationId
from app.core.intents import PostText
from app.core.outbox import Text, pause
from app.store.jobs import defer
from app.store.locks import exclusively, take
from app.store.tables import Table

# A check on a commit that is not the head of an open pull request.
_IS_LAST: LiteralString = """
    kind = 'check' AND NOT EXISTS (SELECT FROM pull_requests open
        WHERE open.repository_id = o.repository_id AND head_sha = place AND is_open) AS is_last
"""
_TEXT: LiteralString = "id, wanted, posted, github_id, attempts, " + _IS_LAST
_PUT: LiteralString = """
    INSERT INTO outbox AS o (kind, repository_id, place, key, wanted, attempts)
    VALUES (%(kind)s, %(repository_id)s, %(place)s, %(key)s, %(wanted)s, %(attempts)s)
    ON CONFLICT (repository_id, place, kind, key) DO UPDATE SET
"""
_HOLD: LiteralString = _PUT + "key = o.key RETURNING " + _TEXT
_WANT: LiteralString = _PUT + "wanted = o.wanted + 1, changed_at = now() RETURNING " + _TEXT
_BEGIN: LiteralString = (
    _PUT
    + """
    attempts = o.attempts + 1, wanted = greatest(o.wanted, o.posted + 1),
    changed_at = CASE WHEN o.posted < o.wanted THEN o.changed_at ELSE now() END RETURNING
"""
    + _TEXT
)
_THIS: LiteralString = """ FROM outbox o WHERE (repository_id, place, kind, key) =
    (%(repository_id)s, %(place)s, %(kind)s, %(key)s)
"""
_GET: LiteralString = "SELECT " + _TEXT + _THIS
_POST: LiteralString = "SELECT kind, o.repository_id, place, key, " + _IS_LAST + "FROM outbox o "
_WRITES: LiteralString = """
    SELECT count(*) AS last_hour,
        count(*) FILTER (WHERE at > clock_timestamp() - interval '1 minute') AS last_minute
    FROM github_writes WHERE installation_id = %s AND queue_name = %s
"""
_WAITING: LiteralString = """
    SELECT count(*) AS texts FROM procrastinate_jobs
        JOIN repositories ON repositories.id = (args ->> 'repository_id')::bigint
    WHERE task_name = %s AND queue_name = %s AND status = 'todo' AND scheduled_at > now()
        AND priority >= %s AND installation_id = %s
"""
# A pull request that was closed unheard gets its last word too.
_LOST: LiteralString = (
    _POST
    + """
    LEFT JOIN summaries s USING (id) LEFT JOIN pull_requests p
        ON p.repository_id = o.repository_id
        AND p.number = CASE WHEN kind = 'summary' THEN place::bigint END
    WHERE changed_at BETWEEN now() - interval '3 days' AND now() - interval '10 min'
        AND (posted < wanted OR s.news IS NOT NULL AND s.says_open AND NOT p.is_open)
        AND NOT EXISTS (SELECT FROM procrastinate_jobs WHERE status IN ('todo', 'doing')
            AND lock = concat_ws(':', kind, o.repository_id, place, key))
"""
)


class Outbox(Table):
    """Texts at GitHub, each under the name that its job has."""

    def get(self, post: PostText) -> Text | None:
        return self._one(Text, _GET, asdict(post))

    def named(self, text_id: int) -> PostText:
        """The job that posts a text. Raises NotFound when there is none."""
        found = self._one(PostText, _POST + "WHERE id = %s", [text_id])
        if found is None:
            raise NotFound(f"There is no text with id {text_id}.")
        return found

    def hold(self, connection: Connection[DictRow], post: PostText) -> Text:
        """The row of a text, locked in the caller's transaction; made where there is none."""
        return _put(connection, _HOLD, post, wanted=0, attempts=0)

    def want(
        self, connection: Connection[DictRow], post: PostText, *, is_awaited: bool = False
    ) -> Text:
        """Note in the caller's transaction that the text changed, and queue its posting.

        What `is_awaited` never goes last.
        """
        text = _put(connection, _WANT, post, wanted=1, attempts=0)
        defer(connection, [replace(post, is_last=text.is_last and not is_awaited)])
        return text

    def begin(self, post: PostText) -> Text:
        """Note that it is being posted: it is wanted until it is, whatever becomes of us."""
        with self._pool.autocommit() as connection:
            return _put(connection, _BEGIN, post, wanted=1, attempts=1)

    def posted(self, text: Text, *, github_id: int | None) -> None:
        """GitHub shows it as it was wanted when `text` was read, or it has nothing to say."""
        self._change(
            "UPDATE outbox SET github_id = %s, posted = greatest(posted, %s) WHERE id = %s",
            [github_id, text.wanted, text.id],
        )

    def take_turn(self, post: PostText, installation_id: InstallationId) -> bool:
        """Count one write against the installation's budget; False: it is spent.

        Then nothing is counted, and the posting is queued once more, for the time that those of
        its queue and installation take that were put off before and do not come after it. The
        budget is 60 writes a minute and 400 an hour for check runs, and as many for comments.

        A check on a commit that is not the head of an open pull request goes last: its job has the
        lowest priority; it may take three quarters of the budget only, so that the checks of
        pull requests find the rest free at once, and while both wait those go on first; and all
        that was put off comes before it. Who is the last is looked up whenever a text is wanted,
        and again when it is put off, for pull requests are opened meanwhile. A merge queue waits
        for the checks on its commits: they never go last.
        """
        with self._pool.connection() as connection:
            # One at a time for an installation, so that two cannot both take the last write.
            take(connection, "github_writes", installation_id)
            connection.execute(
                "DELETE FROM github_writes WHERE installation_id = %s"
                " AND at < clock_timestamp() - interval '1 hour'",
                [installation_id],
            )
            row = connection.execute(_GET, asdict(post)).fetchone() if post.is_last else None
            is_last = row is not None and row["is_last"]
            writes = connection.execute(_WRITES, [installation_id, post.queue]).fetchone() or {}
            wait = pause(**writes, is_last=is_last)
            if wait is None:
                connection.execute(
                    "INSERT INTO github_writes (installation_id, queue_name) VALUES (%s, %s)",
                    [installation_id, post.queue],
                )
                return True
            again = replace(post, is_last=is_last)
            values = [again.name, again.queue, again.priority, installation_id]
            waiting = connection.execute(_WAITING, values).fetchone() or {}
            seconds = round(max(wait.at_least, wait.each * waiting["texts"]))
            defer(connection, [replace(again, delay_seconds=seconds)])
        return False

    def requeue_lost(self) -> int:
        """Queue the posting of every text whose job gave up; returns how many."""
        with self._pool.connection() as connection:
            lost = [PostText(**row) for row in connection.execute(_LOST)]
            defer(connection, lost)
        return len(lost)

    def forget(self, *, before: datetime, most: int) -> None:
        """Delete check runs and replies that last changed earlier, so many at once.

        At GitHub they stay. The comment about databases is remembered, for it changes again.
        """
        self._change(
            "DELETE FROM outbox WHERE id IN (SELECT id FROM outbox WHERE kind <> 'summary'"
            " AND changed_at < %s ORDER BY changed_at LIMIT %s)",
            [before, most],
        )

    def exclusively(self, post: PostText) -> AbstractContextManager[None]:
        """Hold the text's lock: a second worker waits, also one that was thought dead.

        Ends with the session. Raises TransientError after 20 seconds of waiting.
        """
        return exclusively(self._pool, "text", str(post.lock))


def _put(
    connection: Connection[DictRow], statement: LiteralString, post: PostText, **new: int
) -> Text:
    row = connection.execute(statement, {**asdict(post), **new}).fetchone()
    assert row is not None  # noqa: S101 - RETURNING gives the row that was put
    return Text(**row)

"""Check runs that should exist, and the budget for writing them."""

import json
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.checks import Check, CheckContent, CheckSubject
from app.core.errors import NotFound
from app.core.identifiers import (
    BranchName,
    CheckId,
    CheckRunId,
    CommitSha,
    DatabaseId,
    InstallationId,
    RepositoryId,
    RunId,
)
from app.core.intents import Intent, PostCheck
from app.store import check_votes
from app.store.check_contents import content_from, content_to_json
from app.store.locks import exclusively, take

_INSERT = """
    INSERT INTO checks (app_id, repository_id, head_sha, name, content, database_id, run_id)
    VALUES (%(app_id)s, %(repository_id)s, %(head_sha)s, %(name)s, %(content)s, %(database_id)s,
        %(run_id)s)
    ON CONFLICT (repository_id, head_sha, name) DO NOTHING
"""
_HOLD = """
    SELECT id FROM checks WHERE repository_id = %(repository_id)s AND head_sha = %(head_sha)s
        AND name = %(name)s FOR UPDATE
"""
# Another branch's failure may stand there instead of that of the database.
_FAILED_COMMIT = """
    SELECT head_sha FROM checks c LEFT JOIN check_votes v
        ON v.check_id = c.id AND v.database_id = %(database)s
    WHERE c.name = %(name)s AND (c.database_id = %(database)s OR v.check_id IS NOT NULL)
        AND coalesce(v.content, c.content) ->> 'conclusion' = 'failure'
    ORDER BY coalesce(v.cast_at, c.updated_at) DESC LIMIT 1
"""


class Checks:
    """Check runs that should exist."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[DictRow]],
        *,
        defer: Callable[[Connection[Any], Sequence[Intent]], None],
    ) -> None:
        self._pool = pool
        self._defer = defer

    def get(self, check_id: CheckId) -> Check:
        """Raise NotFound when there is none."""
        return check_from(self._row(check_id))

    def of_commit(self, repository_id: RepositoryId, head_sha: CommitSha) -> Sequence[Check]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM checks WHERE repository_id = %s AND head_sha = %s ORDER BY id",
                [repository_id, head_sha],
            ).fetchall()
        return [check_from(row) for row in rows]

    def failed_commit(self, database_id: DatabaseId, *, name: str) -> CommitSha | None:
        """The commit on which a check of this name last said that the database failed."""
        with self._pool.connection() as connection:
            row = connection.execute(
                _FAILED_COMMIT,
                {"database": database_id, "name": name},
            ).fetchone()
        return row["head_sha"] if row else None

    def want(
        self,
        content: CheckContent,
        subject: CheckSubject,
        *,
        is_urgent: bool = True,
        delay_seconds: int = 0,
        keep_existing: bool = False,
    ) -> CheckId:
        """Say what should stand on the commit under `content.name`, and queue its posting.

        Each branch has its say there, that of the database or else of the run; the worst counts.
        With `keep_existing` a check that somebody wanted before stays as it is. Wanting the same
        content again queues nothing.
        """
        values = {
            **asdict(subject),
            "name": content.name,
            "content": json.dumps(content_to_json(content)),
        }
        with self._pool.connection() as connection:
            is_new = connection.execute(_INSERT, values).rowcount > 0
            row = connection.execute(_HOLD, values).fetchone()
            if row is None:
                raise NotFound(f"The check {content.name} vanished.")
            check_id = CheckId(row["id"])
            is_news = is_new
            if not keep_existing:
                check_votes.cast(connection, check_id, content, subject)
                is_news = check_votes.count(connection, check_id) or is_new
            if is_news:
                post = PostCheck(
                    check_id=check_id, is_urgent=is_urgent, delay_seconds=delay_seconds
                )
                self._defer(connection, [post])
        return check_id

    def end_votes(
        self,
        repository_id: RepositoryId,
        heads: Mapping[BranchName, CommitSha],
        *,
        only: Sequence[BranchName] | None = None,
        before: datetime,
    ) -> None:
        """Let no branch count on a commit that is not its head, and queue the posting of what
        the others say there.

        Args:
            heads: The live branches; what belongs to no branch is called "".
            only: Of these branches; default: of all.
            before: When `heads` was read: what was said later counts.
        """
        with self._pool.connection() as connection:
            left = check_votes.end(connection, repository_id, heads, only=only, before=before)
            for check_id in left:
                if check_votes.count(connection, check_id):
                    self._defer(connection, [PostCheck(check_id=check_id)])

    def posted(self, check_id: CheckId, *, github_id: CheckRunId, wanted: int) -> None:
        """GitHub shows version `wanted`."""
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE checks SET github_id = %s, posted = greatest(posted, %s) WHERE id = %s",
                [github_id, wanted, check_id],
            )

    def version(self, check_id: CheckId) -> int:
        """The version wanted now."""
        return int(self._row(check_id)["wanted"])

    def database_of(self, check_id: CheckId) -> DatabaseId | None:
        return self._row(check_id)["database_id"]  # type: ignore[no-any-return]

    def run_of(self, check_id: CheckId) -> RunId | None:
        return self._row(check_id)["run_id"]  # type: ignore[no-any-return]

    def post_later(self, check_id: CheckId, *, delay_seconds: int, is_urgent: bool = True) -> None:
        """Queue the posting once more, no sooner than those that wait already can be done."""
        with self._pool.connection() as connection:
            # Without this a storm's checks would all wake up again and again for the few writes
            # that there are.
            row = connection.execute(
                "SELECT count(*) AS jobs FROM procrastinate_jobs WHERE task_name = 'checks:post'"
                " AND status = 'todo' AND scheduled_at > now()"
            ).fetchone()
            waiting_seconds = round(row["jobs"] * 3600 / WRITES_PER_HOUR) if row else 0
            post = PostCheck(
                check_id=check_id,
                is_urgent=is_urgent,
                delay_seconds=delay_seconds if is_urgent else max(delay_seconds, waiting_seconds),
            )
            self._defer(connection, [post])

    def requeue_lost(self) -> int:
        """Queue the posting of every check whose job gave up; returns how many."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT id FROM checks c WHERE posted < wanted"
                " AND updated_at BETWEEN now() - interval '3 days' AND now() - interval '10 min'"
                " AND NOT EXISTS (SELECT FROM procrastinate_jobs j WHERE task_name = 'checks:post'"
                "  AND status IN ('todo', 'doing') AND (args->>'check_id')::bigint = c.id)"
            ).fetchall()
            self._defer(connection, [PostCheck(check_id=row["id"]) for row in rows])
        return len(rows)

    def forget(self, *, before: datetime, most: int) -> None:
        """Delete checks that last changed earlier, so many at once; at GitHub they stay."""
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM checks WHERE id IN (SELECT id FROM checks WHERE updated_at < %s"
                " ORDER BY updated_at LIMIT %s)",
                [before, most],
            )

    def take_write(self, installation_id: InstallationId, *, kind: str) -> int:
        """Count one write to GitHub against the installation's budget.

        Returns 0 when it may be made now, else the seconds to wait (and counts nothing).
        """
        with self._pool.connection() as connection:
            return take_write(connection, installation_id, kind=kind)

    def exclusively(self, check_id: CheckId) -> AbstractContextManager[None]:
        """Hold the check's lock: a second worker waits, also one that was thought dead.

        Ends with the session. Raises TransientError after 20 seconds of waiting.
        """
        return exclusively(self._pool, "check", check_id)

    def _row(self, check_id: CheckId) -> DictRow:
        with self._pool.connection() as connection:
            row = connection.execute("SELECT * FROM checks WHERE id = %s", [check_id]).fetchone()
        if row is None:
            raise NotFound(f"There is no check with id {check_id}.")
        return row


def check_from(row: DictRow) -> Check:
    """A row of `checks`."""
    return Check(
        id=row["id"],
        app_id=row["app_id"],
        repository_id=row["repository_id"],
        head_sha=row["head_sha"],
        github_id=row["github_id"],
        content=content_from(row["content"]),
        is_posted=row["posted"] >= row["wanted"],
    )


# GitHub's secondary limits are 80 content writes a minute and 500 an hour; some room is left for
# people and other tools.
# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
WRITES_PER_MINUTE = 60
WRITES_PER_HOUR = 400


def take_write(
    connection: Connection[DictRow], installation_id: InstallationId, *, kind: str
) -> int:
    """Count one write in the caller's transaction; 0, or the seconds to wait (nothing counted)."""
    # One at a time for an installation, so that two workers cannot both take the last one.
    take(connection, "github_writes", installation_id)
    connection.execute(
        "DELETE FROM github_writes WHERE installation_id = %s"
        " AND at < clock_timestamp() - interval '1 hour'",
        [installation_id],
    )
    row = connection.execute(
        "SELECT count(*) AS hour,"
        " count(*) FILTER (WHERE at > clock_timestamp() - interval '1 minute') AS minute"
        " FROM github_writes WHERE installation_id = %s AND kind = %s",
        [installation_id, kind],
    ).fetchone()
    if row and row["hour"] >= WRITES_PER_HOUR:
        return 60
    if row and row["minute"] >= WRITES_PER_MINUTE:
        return 5
    connection.execute(
        "INSERT INTO github_writes (installation_id, kind) VALUES (%s, %s)",
        [installation_id, kind],
    )
    return 0

"""Check runs that should exist, and the budget for writing them."""

import json
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict
from datetime import datetime
from typing import Any

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.checks import Check, CheckAction, CheckContent, Conclusion
from app.core.errors import NotFound
from app.core.identifiers import (
    CheckId,
    CheckRunId,
    CommitSha,
    DatabaseId,
    InstallationId,
    RepositoryId,
    RunId,
)
from app.core.intents import Intent, PostCheck
from app.operations.ports.checks import CheckSubject
from app.store.budget import WRITES_PER_HOUR, take_write
from app.store.locks import exclusively


class PostgresChecks:
    """The `Checks` port on the state database."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[DictRow]],
        *,
        defer: Callable[[Connection[Any], Sequence[Intent]], None],
    ) -> None:
        self._pool = pool
        self._defer = defer

    def get(self, check_id: CheckId) -> Check:
        return check_from(self._row(check_id))

    def of_commit(self, repository_id: RepositoryId, head_sha: CommitSha) -> Sequence[Check]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM checks WHERE repository_id = %s AND head_sha = %s ORDER BY id",
                [repository_id, head_sha],
            ).fetchall()
        return [check_from(row) for row in rows]

    def failed_commit(self, database_id: DatabaseId, *, name: str) -> CommitSha | None:
        """See the port."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT head_sha FROM checks WHERE database_id = %s AND name = %s"
                " AND content ->> 'conclusion' = 'failure' ORDER BY updated_at DESC LIMIT 1",
                [database_id, name],
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
        with self._pool.connection() as connection:
            row = connection.execute(
                "INSERT INTO checks AS c (app_id, repository_id, head_sha, name, content,"
                " database_id, run_id) VALUES (%(app_id)s, %(repository_id)s, %(head_sha)s,"
                " %(name)s, %(content)s, %(database_id)s, %(run_id)s)"
                " ON CONFLICT (repository_id, head_sha, name) DO UPDATE SET"
                " content = excluded.content, wanted = c.wanted + 1, updated_at = now(),"
                " app_id = excluded.app_id, database_id = excluded.database_id,"
                " run_id = coalesce(excluded.run_id, c.run_id)"
                " WHERE NOT %(keep)s AND c.content <> excluded.content RETURNING id",
                {
                    **asdict(subject),
                    "name": content.name,
                    "content": json.dumps(_to_json(content)),
                    "keep": keep_existing,
                },
            ).fetchone()
            if row is not None:
                post = PostCheck(
                    check_id=row["id"], is_urgent=is_urgent, delay_seconds=delay_seconds
                )
                self._defer(connection, [post])
                return CheckId(row["id"])
            row = connection.execute(
                "SELECT id FROM checks WHERE repository_id = %s AND head_sha = %s AND name = %s",
                [subject.repository_id, subject.head_sha, content.name],
            ).fetchone()
        if row is None:
            raise NotFound(f"The check {content.name} vanished.")
        return CheckId(row["id"])

    def posted(self, check_id: CheckId, *, github_id: CheckRunId, wanted: int) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE checks SET github_id = %s, posted = greatest(posted, %s) WHERE id = %s",
                [github_id, wanted, check_id],
            )

    def version(self, check_id: CheckId) -> int:
        return int(self._row(check_id)["wanted"])

    def database_of(self, check_id: CheckId) -> DatabaseId | None:
        return self._row(check_id)["database_id"]  # type: ignore[no-any-return]

    def run_of(self, check_id: CheckId) -> RunId | None:
        return self._row(check_id)["run_id"]  # type: ignore[no-any-return]

    def post_later(self, check_id: CheckId, *, delay_seconds: int, is_urgent: bool = True) -> None:
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
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM checks WHERE id IN (SELECT id FROM checks WHERE updated_at < %s"
                " ORDER BY updated_at LIMIT %s)",
                [before, most],
            )

    def take_write(self, installation_id: InstallationId, *, kind: str) -> int:
        with self._pool.connection() as connection:
            return take_write(connection, installation_id, kind=kind)

    def exclusively(self, check_id: CheckId) -> AbstractContextManager[None]:
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
        content=_from_json(row["content"]),
        is_posted=row["posted"] >= row["wanted"],
    )


def _to_json(content: CheckContent) -> dict[str, Any]:
    return {
        key: value.isoformat() if isinstance(value, datetime) else value
        for key, value in asdict(content).items()
    }


def _from_json(stored: dict[str, Any]) -> CheckContent:
    values = dict(stored)
    for key in ("started_at", "completed_at"):
        values[key] = datetime.fromisoformat(values[key]) if values[key] else None
    values["conclusion"] = Conclusion(values["conclusion"]) if values["conclusion"] else None
    values["actions"] = tuple(CheckAction(**action) for action in values["actions"])
    return CheckContent(**values)

"""Runs in the state database."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.environments import Environment
from app.core.errors import NotFound
from app.core.identifiers import CommitSha, RepositoryId, RunId
from app.core.runs import CredentialKind, Run

_INSERT = """
    INSERT INTO runs (
        app_id, repository_id, workflow_run_id, workflow_attempt, workflow_job_id, job_name, event,
        head_sha, branch, environments, primary_environment, migrates, credentials, export_env,
        credentials_minutes, timeout_minutes, command, seed_command, created_at, source_branch,
        idempotency_key
    )
    VALUES (
        %(app_id)s, %(repository_id)s, %(workflow_run_id)s, %(workflow_attempt)s,
        %(workflow_job_id)s, %(job_name)s, %(event)s, %(head_sha)s, %(branch)s, %(environments)s,
        %(primary)s, %(migrates)s, %(credentials)s, %(export_env)s, %(credentials_minutes)s,
        %(timeout_minutes)s, %(command)s, %(seed_command)s, %(created_at)s,
        %(source_branch)s, %(key)s
    )
    ON CONFLICT (workflow_run_id, workflow_attempt, idempotency_key) DO NOTHING
"""


_ROOM: LiteralString = """
    SELECT count(*) < %(most)s OR coalesce(bool_or(idempotency_key = %(key)s), false) AS is_room
    FROM runs WHERE workflow_run_id = %(workflow_run)s AND workflow_attempt = %(attempt)s
        AND workflow_job_id IS NOT DISTINCT FROM %(job)s::bigint
"""

# Not those that still hold something, and not the last one of each database: that tells how it is.
_FORGET: LiteralString = """
    DELETE FROM runs WHERE id IN (
        SELECT id FROM runs WHERE created_at < %s
            AND NOT EXISTS (
                SELECT FROM job_logins WHERE run_id = runs.id AND ended_at IS NULL)
            AND NOT EXISTS (
                SELECT FROM migrations m WHERE m.run_id = runs.id AND (
                    m.finished_at IS NULL
                    OR EXISTS (SELECT FROM leases WHERE migration_id = m.id)
                    OR m.id = (SELECT max(id) FROM migrations WHERE database_id = m.database_id)))
        ORDER BY created_at LIMIT %s)
"""


class Runs:
    """Runs of the Action."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def start(self, run: Run, *, key: str) -> Run:
        """Store it; `run.id` is ignored. Returns the present one when the attempt used this key."""
        values = asdict(run) | {"environments": list(run.environments), "key": key}
        with self._pool.connection() as connection:
            connection.execute(_INSERT, values)
        [present] = self._all(
            "SELECT * FROM runs WHERE workflow_run_id = %s AND workflow_attempt = %s"
            " AND idempotency_key = %s",
            [run.workflow_run_id, run.workflow_attempt, key],
        )
        return present

    def is_room_for(self, run: Run, *, key: str, most: int) -> bool:
        """Whether its job has begun fewer than `most`, or this very one before."""
        with self._pool.connection() as connection:
            row = connection.execute(
                _ROOM,
                {
                    "workflow_run": run.workflow_run_id,
                    "attempt": run.workflow_attempt,
                    "job": run.workflow_job_id,
                    "key": key,
                    "most": most,
                },
            ).fetchone()
        return bool(row and row["is_room"])

    def get(self, run_id: RunId) -> Run:
        """Raise NotFound when there is none."""
        found = self._all("SELECT * FROM runs WHERE id = %s", [run_id])
        if not found:
            raise NotFound(f"There is no run {run_id}.")
        return found[0]

    def of_commit(self, repository_id: RepositoryId, head_sha: CommitSha) -> Sequence[Run]:
        """Oldest first."""
        return self._all(
            "SELECT * FROM runs WHERE repository_id = %s AND head_sha = %s ORDER BY id",
            [repository_id, head_sha],
        )

    def forget(self, *, before: datetime, most: int) -> None:
        """Delete runs that began earlier, with their migrations and logs; so many at once.

        A run that still holds something stays, and the last one of each database.
        """
        with self._pool.connection() as connection:
            connection.execute(_FORGET, [before, most])

    def _all(self, query: LiteralString, parameters: Sequence[object]) -> list[Run]:
        with self._pool.connection() as connection:
            rows = connection.execute(query, parameters).fetchall()
        return [run_from(row) for row in rows]


def run_from(row: DictRow) -> Run:
    """A row of `runs`."""
    primary = Environment(row.pop("primary_environment"))
    row.pop("idempotency_key")
    return Run(
        **{
            **row,
            "environments": tuple(Environment(name) for name in row["environments"]),
            "primary": primary,
            "credentials": CredentialKind(row["credentials"]),
        }
    )

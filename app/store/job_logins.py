"""Job logins in the state database; their passwords are encrypted and forgotten at the end."""

from collections.abc import Sequence
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.errors import NotFound
from app.core.identifiers import DatabaseId, JobLoginId, RepositoryId, WorkflowJobId, WorkflowRunId
from app.core.runs import JobLogin, NewJobLogin
from app.store.vault import Vault

# One that is over has ended for ever, for which Python has no time.
_SELECT: LiteralString = """
    SELECT job_logins.id, run_id, database_id, role, greatest(valid_until, 'epoch') AS valid_until,
        outlives_run
    FROM job_logins JOIN runs ON runs.id = run_id
    WHERE ended_at IS NULL AND
"""
_IS_RUNNING: LiteralString = """
    EXISTS (SELECT FROM leases JOIN migrations ON migrations.id = leases.migration_id
        WHERE leases.database_id = job_logins.database_id
          AND migrations.run_id = job_logins.run_id AND migrations.finished_at IS NULL)
"""


class JobLogins:
    """Job logins that have not ended."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]], vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    def open(self, new: NewJobLogin) -> JobLogin:
        """Store it, the password encrypted; returns the present one of that run and database.

        One that is over is replaced.
        """
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO job_logins"
                " (run_id, database_id, role, password, valid_until, outlives_run)"
                " VALUES (%s, %s, %s, %s, %s, %s)"
                " ON CONFLICT (run_id, database_id) WHERE ended_at IS NULL DO UPDATE"
                " SET role = EXCLUDED.role, password = EXCLUDED.password,"
                "   valid_until = EXCLUDED.valid_until, outlives_run = EXCLUDED.outlives_run"
                " WHERE job_logins.valid_until = '-infinity'",
                [
                    new.run_id,
                    new.database_id,
                    new.role,
                    self._vault.encrypt(new.password),
                    new.valid_until,
                    new.outlives_run,
                ],
            )
        [present] = self._all("run_id = %s AND database_id = %s", [new.run_id, new.database_id])
        return present

    def password(self, login_id: JobLoginId) -> str:
        """Raise NotFound once the login has ended."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT password FROM job_logins WHERE id = %s AND ended_at IS NULL", [login_id]
            ).fetchone()
        if row is None:
            raise NotFound("The job login has ended.")
        return self._vault.decrypt(row["password"])

    def of_database(self, database_id: DatabaseId) -> Sequence[JobLogin]:
        return self._all("database_id = %s", [database_id])

    def of_workflow_run(
        self,
        repository_id: RepositoryId,
        workflow_run_id: WorkflowRunId,
        *,
        attempt: int,
        job_id: WorkflowJobId | None,
    ) -> Sequence[JobLogin]:
        """Of one job, or of every job of the attempt."""
        return self._all(
            "repository_id = %s AND workflow_run_id = %s AND workflow_attempt = %s"
            " AND (%s::bigint IS NULL OR workflow_job_id = %s)",
            [repository_id, workflow_run_id, attempt, job_id, job_id],
        )

    def due(self, at: datetime) -> Sequence[JobLogin]:
        """Those whose time is over, and those whose run holds the database no more.

        A login of a running migration is not due: its lease decides.
        """
        return self._all(
            "NOT" + _IS_RUNNING + "AND (valid_until <= %s OR NOT outlives_run)",
            [at],
        )

    def is_over(self, login_id: JobLoginId) -> None:
        """Have it due until it has ended; its run gets another one if it asks again."""
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE job_logins SET valid_until = '-infinity' WHERE id = %s", [login_id]
            )

    def ended(self, login_id: JobLoginId) -> None:
        """Forget the password."""
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE job_logins SET ended_at = coalesce(ended_at, now()), password = ''"
                " WHERE id = %s",
                [login_id],
            )

    def _all(self, condition: LiteralString, parameters: Sequence[object]) -> list[JobLogin]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                _SELECT + condition + " ORDER BY job_logins.id", parameters
            ).fetchall()
        return [JobLogin(**row) for row in rows]

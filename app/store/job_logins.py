"""Job logins in the state database; their passwords are encrypted and forgotten at the end."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import LiteralString

from app.core.errors import NotFound
from app.core.identifiers import DatabaseId, JobLoginId, RepositoryId, WorkflowJobId, WorkflowRunId
from app.core.runs import JobLogin
from app.store.tables import TableWithSecrets, insert

# One that is over has ended for ever, for which Python has no time.
_SELECT: LiteralString = """
    SELECT job_logins.id, run_id, database_id, role, greatest(valid_until, 'epoch') AS valid_until,
        outlives_run
    FROM job_logins JOIN runs ON runs.id = run_id
    WHERE ended_at IS NULL AND
"""
_UNLESS_OPEN: LiteralString = """
    ON CONFLICT (run_id, database_id) WHERE ended_at IS NULL DO UPDATE
    SET (role, password, valid_until, outlives_run)
        = (excluded.role, excluded.password, excluded.valid_until, excluded.outlives_run)
    WHERE job_logins.valid_until = '-infinity'
"""
_IS_RUNNING: LiteralString = """
    EXISTS (SELECT FROM leases JOIN migrations ON migrations.id = leases.migration_id
        WHERE leases.database_id = job_logins.database_id
          AND migrations.run_id = job_logins.run_id AND migrations.finished_at IS NULL)
"""


class JobLogins(TableWithSecrets):
    """Job logins that have not ended."""

    def open(self, new: JobLogin, *, password: str) -> JobLogin:
        """Store it, the password encrypted; returns the present one of that run and database.

        One that is over is replaced.
        """
        values = {**asdict(new), "password": self._vault.encrypt(password)}
        del values["id"]
        self._change(insert("job_logins", values, _UNLESS_OPEN), values)
        [present] = self._open("run_id = %s AND database_id = %s", [new.run_id, new.database_id])
        return present

    def password(self, login_id: JobLoginId) -> str:
        """Raise NotFound once the login has ended."""
        row = self._row(
            "SELECT password FROM job_logins WHERE id = %s AND ended_at IS NULL", [login_id]
        )
        if row is None:
            raise NotFound("The job login has ended.")
        return self._vault.decrypt(row["password"])

    def of_database(self, database_id: DatabaseId) -> Sequence[JobLogin]:
        return self._open("database_id = %s", [database_id])

    def of_workflow_run(
        self,
        repository_id: RepositoryId,
        workflow_run_id: WorkflowRunId,
        *,
        attempt: int,
        job_id: WorkflowJobId | None,
    ) -> Sequence[JobLogin]:
        """Of one job, or of every job of the attempt."""
        return self._open(
            "repository_id = %s AND workflow_run_id = %s AND workflow_attempt = %s"
            " AND (%s::bigint IS NULL OR workflow_job_id = %s)",
            [repository_id, workflow_run_id, attempt, job_id, job_id],
        )

    def due(self, at: datetime) -> Sequence[JobLogin]:
        """Those whose time is over, and those whose run holds the database no more.

        A login of a running migration is not due: its lease decides.
        """
        return self._open(
            "NOT" + _IS_RUNNING + "AND (valid_until <= %s OR NOT outlives_run)",
            [at],
        )

    def is_over(self, login_id: JobLoginId) -> None:
        """Have it due until it has ended; its run gets another one if it asks again."""
        self._change("UPDATE job_logins SET valid_until = '-infinity' WHERE id = %s", [login_id])

    def ended(self, login_id: JobLoginId) -> None:
        """Forget the password."""
        self._change(
            "UPDATE job_logins SET ended_at = coalesce(ended_at, now()), password = ''"
            " WHERE id = %s",
            [login_id],
        )

    def _open(self, condition: LiteralString, values: Sequence[object]) -> list[JobLogin]:
        return self._all(JobLogin, _SELECT + condition + " ORDER BY job_logins.id", values)

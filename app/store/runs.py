"""Runs in the state database, and what became of them."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import LiteralString

from psycopg import sql

from app.core.errors import NotFound
from app.core.identifiers import AppId, CommitSha, DatabaseId, MigrationId, RepositoryId, RunId
from app.core.runs import LastMigration, PastRun, Run
from app.store.migration_runs import COLUMNS, LOG_COLUMNS, migration_from
from app.store.tables import Table, insert, read

_RUNS: LiteralString = 'SELECT *, primary_environment AS "primary" FROM runs '
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

# Logs are most of what a migration holds, and lists do not show them.
_WITHOUT_LOGS = sql.SQL(", ").join(
    sql.SQL("'' AS {}").format(sql.Identifier(name))
    if name in LOG_COLUMNS
    else sql.Identifier(name)
    for name in COLUMNS
)

# One step from the end of the index for each database: all of its migrations may be thousands.
_LAST_MIGRATIONS = """
    SELECT d.id AS database_id, m.run_id, m.result, m.seed_result, r.head_sha,
        r.seed_command, coalesce(m.finished_at, m.started_at) AS at
    FROM databases d
    CROSS JOIN LATERAL (
        SELECT run_id, result, seed_result, started_at, finished_at FROM migrations
        WHERE database_id = d.id AND generation = d.generation
            AND (result IN ('success', 'failure', 'timed-out', 'never-connected')
                OR finished_at IS NULL AND NOT %(ended)s)
        ORDER BY id DESC LIMIT 1) m
    JOIN runs r ON r.id = m.run_id
    WHERE d.id = ANY(%(ids)s)
"""


class Runs(Table):
    """Runs of the Action."""

    def start(self, run: Run, *, key: str) -> Run:
        """Store it; returns the present one when the attempt used this key."""
        values = asdict(run) | {"environments": list(run.environments), "idempotency_key": key}
        values["primary_environment"] = values.pop("primary")
        del values["id"]
        self._change(
            insert(
                "runs",
                values,
                "ON CONFLICT (workflow_run_id, workflow_attempt, idempotency_key) DO NOTHING",
            ),
            values,
        )
        [present] = self._all(
            Run,
            _RUNS + "WHERE workflow_run_id = %s AND workflow_attempt = %s AND idempotency_key = %s",
            [run.workflow_run_id, run.workflow_attempt, key],
        )
        return present

    def is_room_for(self, run: Run, *, key: str, most: int) -> bool:
        """Whether its job has begun fewer than `most`, or this very one before."""
        [row] = self._rows(
            _ROOM,
            {
                "workflow_run": run.workflow_run_id,
                "attempt": run.workflow_attempt,
                "job": run.workflow_job_id,
                "key": key,
                "most": most,
            },
        )
        return bool(row["is_room"])

    def get(self, run_id: RunId) -> Run:
        """Raise NotFound when there is none."""
        run = self._one(Run, _RUNS + "WHERE id = %s", [run_id])
        if run is None:
            raise NotFound(f"There is no run {run_id}.")
        return run

    def of_commit(self, repository_id: RepositoryId, head_sha: CommitSha) -> Sequence[Run]:
        """Oldest first."""
        return self._all(
            Run,
            _RUNS + "WHERE repository_id = %s AND head_sha = %s ORDER BY id",
            [repository_id, head_sha],
        )

    def forget(self, *, before: datetime, most: int) -> None:
        """Delete runs that began earlier, with their migrations and logs; so many at once.

        A run that still holds something stays, and the last one of each database.
        """
        self._change(_FORGET, [before, most])


class History(Table):
    """Runs of an app, the newest first."""

    def of_app(
        self, app_id: AppId, *, limit: int, before: RunId | None = None
    ) -> Sequence[PastRun]:
        """The newest, or with `before` those older than that run; the logs are left out."""
        return self._read(
            _RUNS + "WHERE app_id = %(app)s"
            " AND (%(before)s::bigint IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s",
            {"app": app_id, "before": before, "limit": limit},
            columns=_WITHOUT_LOGS,
        )

    def run(self, app_id: AppId, run_id: RunId) -> PastRun:
        """One run with the ends of its logs. Raises NotFound when the app has none of that id."""
        found = self._read(
            _RUNS + "WHERE app_id = %(app)s AND id = %(run)s",
            {"app": app_id, "run": run_id},
            columns=sql.SQL("*"),
        )
        if not found:
            raise NotFound(
                f"The app {app_id} has no run {run_id}.",
                advice="The list of the app's runs shows which there are.",
            )
        return found[0]

    def last_migrations(
        self, database_ids: Sequence[DatabaseId], *, ended: bool = False
    ) -> Mapping[DatabaseId, LastMigration]:
        """Of the databases' present generations; `ended`: of those that ran to an end."""
        rows = self._rows(_LAST_MIGRATIONS, {"ids": list(database_ids), "ended": ended})
        return {row["database_id"]: read(LastMigration, row) for row in rows}

    def log(self, migration_id: MigrationId) -> tuple[str, str]:
        """All that came of a migration's log, with its colours, and of the seed's after it."""
        row = self._row(
            "SELECT log, seed_log FROM migration_logs WHERE migration_id = %s", [migration_id]
        )
        return (row["log"], row["seed_log"]) if row else ("", "")

    def _read(
        self, query: LiteralString, parameters: dict[str, object], *, columns: sql.Composable
    ) -> list[PastRun]:
        of_runs = sql.SQL("SELECT {} FROM migrations WHERE run_id = ANY(%s) ORDER BY id")
        with self._pool.connection() as connection:
            runs = [read(Run, row) for row in connection.execute(query, parameters).fetchall()]
            rows = connection.execute(of_runs.format(columns), [[run.id for run in runs]])
            migrations = [migration_from(row) for row in rows.fetchall()]
        return [
            PastRun(run=run, migrations=tuple(one for one in migrations if one.run_id == run.id))
            for run in runs
        ]

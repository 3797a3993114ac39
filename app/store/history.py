"""Runs that were, with their migrations, read together from the state database."""

from collections.abc import Mapping, Sequence
from typing import LiteralString

from psycopg import Connection, sql
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.errors import NotFound
from app.core.identifiers import AppId, DatabaseId, MigrationId, RunId
from app.core.runs import LastMigration, MigrationResult, PastRun
from app.store.migration_runs import COLUMNS, LOG_COLUMNS, migration_from
from app.store.runs import run_from

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


class History:
    """Runs of an app, the newest first."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def of_app(
        self, app_id: AppId, *, limit: int, before: RunId | None = None
    ) -> Sequence[PastRun]:
        """The newest, or with `before` those older than that run; the logs are left out."""
        return self._read(
            "SELECT * FROM runs WHERE app_id = %(app)s"
            " AND (%(before)s::bigint IS NULL OR id < %(before)s) ORDER BY id DESC LIMIT %(limit)s",
            {"app": app_id, "before": before, "limit": limit},
            columns=_WITHOUT_LOGS,
        )

    def run(self, app_id: AppId, run_id: RunId) -> PastRun:
        """One run with the ends of its logs. Raises NotFound when the app has none of that id."""
        found = self._read(
            "SELECT * FROM runs WHERE app_id = %(app)s AND id = %(run)s",
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
        with self._pool.connection() as connection:
            rows = connection.execute(
                _LAST_MIGRATIONS, {"ids": list(database_ids), "ended": ended}
            ).fetchall()
        return {DatabaseId(row.pop("database_id")): _last_migration(row) for row in rows}

    def log(self, migration_id: MigrationId) -> tuple[str, str]:
        """All that came of a migration's log, with its colours, and of the seed's after it."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT log, seed_log FROM migration_logs WHERE migration_id = %s", [migration_id]
            ).fetchone()
        return (row["log"], row["seed_log"]) if row else ("", "")

    def _read(
        self, query: LiteralString, parameters: dict[str, object], *, columns: sql.Composable
    ) -> list[PastRun]:
        of_runs = sql.SQL("SELECT {} FROM migrations WHERE run_id = ANY(%s) ORDER BY id")
        with self._pool.connection() as connection:
            runs = [run_from(row) for row in connection.execute(query, parameters).fetchall()]
            rows = connection.execute(of_runs.format(columns), [[run.id for run in runs]])
            migrations = [migration_from(row) for row in rows.fetchall()]
        return [
            PastRun(run=run, migrations=tuple(one for one in migrations if one.run_id == run.id))
            for run in runs
        ]


def _last_migration(row: DictRow) -> LastMigration:
    results = {
        name: MigrationResult(row[name]) if row[name] else None
        for name in ("result", "seed_result")
    }
    return LastMigration(**{**row, **results})

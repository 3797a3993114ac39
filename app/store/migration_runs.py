"""Migrations of runs in the state database (not the schema's own: see `schema`)."""

from collections.abc import Sequence
from dataclasses import asdict, fields
from datetime import datetime

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from app.core.environments import Environment
from app.core.identifiers import AppId, BranchName, CommitSha, DatabaseId, MigrationId, RunId
from app.core.runs import (
    Migration,
    MigrationResult,
    NewMigration,
    Outcome,
    Seeding,
    Unfinished,
    UnfinishedKind,
)

_SEED_COLUMNS = ("seed_result", "seed_exit_code", "seed_duration_seconds", "seed_log_tail")
COLUMNS = (
    *(field.name for field in fields(Migration) if field.name != "seeding"),
    *_SEED_COLUMNS,
)
"""What `migration_from` reads."""
LOG_COLUMNS = frozenset({"log_tail", "seed_log_tail"})


class Migrations:
    """Migrations and the leases they hold."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def of_run(self, run_id: RunId) -> Sequence[Migration]:
        """Oldest first."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM migrations WHERE run_id = %s ORDER BY id", [run_id]
            ).fetchall()
        return [migration_from(row) for row in rows]

    def last_of_commit(
        self, app_id: AppId, environment: Environment, head_sha: CommitSha
    ) -> Migration | None:
        """The one that started last."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT migrations.* FROM migrations JOIN runs ON runs.id = migrations.run_id"
                " WHERE runs.app_id = %s AND migrations.environment = %s AND runs.head_sha = %s"
                " ORDER BY migrations.id DESC LIMIT 1",
                [app_id, environment, head_sha],
            ).fetchone()
        return migration_from(row) if row else None

    def branches_of(self, database_id: DatabaseId, head_sha: CommitSha) -> Sequence[BranchName]:
        """The branches whose runs migrated the database to this commit: the last few of them."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT source_branch FROM migrations JOIN runs ON runs.id = migrations.run_id"
                " WHERE database_id = %s AND head_sha = %s AND result = 'success'"
                " AND source_branch IS NOT NULL"
                " GROUP BY source_branch ORDER BY max(migrations.id) DESC LIMIT 3",
                [database_id, head_sha],
            ).fetchall()
        return [BranchName(row["source_branch"]) for row in rows]

    def take(
        self, new: NewMigration, *, at: datetime, expires_at: datetime
    ) -> tuple[Migration, bool] | None:
        """Start it and hold its database; None while another migration does, or it is not ready.

        Returns the present one when it had started, and whether it holds the database.
        """
        with self._pool.connection() as connection:
            if not _is_ready(connection, new):
                return None
            _insert(connection, new, at=at)
            migration = _of_place(connection, new)
            if migration.finished_at is None:
                connection.execute(
                    "INSERT INTO leases (database_id, migration_id, expires_at)"
                    " VALUES (%s, %s, %s) ON CONFLICT (database_id) DO NOTHING",
                    [new.database_id, migration.id, expires_at],
                )
            holder = connection.execute(
                "SELECT migration_id FROM leases WHERE database_id = %s", [new.database_id]
            ).fetchone()
            holds = holder is not None and holder["migration_id"] == migration.id
            if migration.finished_at is None and not holds:
                # No trace of a migration that has not started: it would look interrupted.
                connection.rollback()
                return None
            return migration, holds

    def finish(self, migration_id: MigrationId, outcome: Outcome, *, at: datetime) -> Migration:
        """Record how it ended; it still holds its database. The first report stands."""
        with self._pool.connection() as connection:
            finished = connection.execute(
                "UPDATE migrations SET finished_at = %s, result = %s, exit_code = %s,"
                " duration_seconds = %s, log_tail = %s, seed_result = %s, seed_exit_code = %s,"
                " seed_duration_seconds = %s, seed_log_tail = %s, unfinished = %s"
                " WHERE id = %s AND finished_at IS NULL",
                [
                    at,
                    outcome.result,
                    outcome.exit_code,
                    outcome.duration_seconds,
                    outcome.log_tail,
                    *_seed_columns(outcome.seeding),
                    Jsonb([asdict(one) for one in outcome.unfinished]),
                    migration_id,
                ],
            )
            if finished.rowcount and (outcome.log or outcome.seed_log):
                connection.execute(
                    "INSERT INTO migration_logs (migration_id, log, seed_log) VALUES (%s, %s, %s)",
                    [migration_id, outcome.log, outcome.seed_log],
                )
            row = connection.execute(
                "SELECT * FROM migrations WHERE id = %s", [migration_id]
            ).fetchone()
        return migration_from(_present(row))

    def took_back(self, run_id: RunId, database_id: DatabaseId, settings: Sequence[str]) -> None:
        """Add names of settings that were taken back to the run's last migration there, if any."""
        with self._pool.connection() as connection:
            connection.execute(
                "UPDATE migrations SET settings_taken_back ="
                " ARRAY(SELECT DISTINCT unnest(settings_taken_back || %s::text[]) ORDER BY 1)"
                " WHERE id = (SELECT max(id) FROM migrations"
                " WHERE run_id = %s AND database_id = %s)",
                [list(settings), run_id, database_id],
            )


def migration_from(row: DictRow) -> Migration:
    """A row of `migrations`, its COLUMNS selected."""
    result = row["result"]
    return Migration(
        **{
            **{name: value for name, value in row.items() if name not in _SEED_COLUMNS},
            "environment": Environment(row["environment"]),
            "result": None if result is None else MigrationResult(result),
            "seeding": _seeding(row),
            "settings_taken_back": tuple(row["settings_taken_back"]),
            "unfinished": tuple(
                Unfinished(**{**one, "kind": UnfinishedKind(one["kind"])})
                for one in row["unfinished"]
            ),
        }
    )


def _seeding(row: DictRow) -> Seeding | None:
    if row["seed_result"] is None:
        return None
    return Seeding(
        result=MigrationResult(row["seed_result"]),
        exit_code=row["seed_exit_code"],
        duration_seconds=row["seed_duration_seconds"],
        log_tail=row["seed_log_tail"],
    )


def _seed_columns(seeding: Seeding | None) -> tuple[object, ...]:
    if seeding is None:
        return (None, None, None, None)
    return (seeding.result, seeding.exit_code, seeding.duration_seconds, seeding.log_tail)


def _is_ready(connection: Connection[DictRow], new: NewMigration) -> bool:
    """Locks the row, so that nobody empties or deletes the database before the lease stands."""
    row = connection.execute(
        "SELECT FROM databases WHERE id = %s AND state = 'ready' AND generation = %s FOR SHARE",
        [new.database_id, new.generation],
    ).fetchone()
    return row is not None


def _insert(connection: Connection[DictRow], new: NewMigration, *, at: datetime) -> None:
    connection.execute(
        "INSERT INTO migrations (run_id, database_id, environment, rebuilt, generation, started_at)"
        " VALUES (%s, %s, %s, %s, %s, %s) ON CONFLICT (run_id, environment, rebuilt) DO NOTHING",
        [new.run_id, new.database_id, new.environment, new.rebuilt, new.generation, at],
    )


def _of_place(connection: Connection[DictRow], new: NewMigration) -> Migration:
    row = connection.execute(
        "SELECT * FROM migrations WHERE run_id = %s AND environment = %s AND rebuilt = %s",
        [new.run_id, new.environment, new.rebuilt],
    ).fetchone()
    return migration_from(_present(row))


def _present(row: DictRow | None) -> DictRow:
    assert row is not None  # noqa: S101 - the caller has just written it
    return row

"""Migrations of runs, and the leases by which each holds its database, in the state database.

(Not the schema's own migrations: see `schema`.)
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, fields
from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg.types.json import Json, Jsonb

from app.core.databases import Database
from app.core.environments import Environment
from app.core.identifiers import AppId, BranchName, CommitSha, DatabaseId, MigrationId, RunId
from app.core.runs import Lease, Migration, Outcome, Seeding
from app.core.trace_findings import short
from app.core.trace_history import Elsewhere, Past
from app.core.traces import Trace, counted
from app.store.tables import Table, insert, read, update

_SEED_COLUMNS = {field.name: f"seed_{field.name}" for field in fields(Seeding)}
COLUMNS = (
    *(field.name for field in fields(Migration) if field.name != "seeding"),
    *_SEED_COLUMNS.values(),
)
"""What `migration_from` reads."""
_BEGUN = ("run_id", "database_id", "environment", "rebuilt", "generation", "started_at")
LOG_COLUMNS = frozenset({"log_tail", "seed_log_tail"})

# A seized one has expired for ever, for which Python has no time.
_LEASES: LiteralString = """
    SELECT migrations.*, greatest(leases.expires_at, 'epoch') AS expires_at
    FROM leases JOIN migrations ON migrations.id = leases.migration_id
    WHERE
"""


class Migrations(Table):
    """Migrations, which hold their databases from their start on."""

    def of_run(self, run_id: RunId) -> Sequence[Migration]:
        """Oldest first."""
        rows = self._rows("SELECT * FROM migrations WHERE run_id = %s ORDER BY id", [run_id])
        return [migration_from(row) for row in rows]

    def last_of_commit(
        self, app_id: AppId, environment: Environment, head_sha: CommitSha
    ) -> Migration | None:
        """The one that started last."""
        row = self._row(
            "SELECT migrations.* FROM migrations JOIN runs ON runs.id = migrations.run_id"
            " WHERE runs.app_id = %s AND migrations.environment = %s AND runs.head_sha = %s"
            " ORDER BY migrations.id DESC LIMIT 1",
            [app_id, environment, head_sha],
        )
        return migration_from(row) if row else None

    def last_of_database(self, database: Database) -> Migration | None:
        """The last one of the database's present generation."""
        row = self._row(
            "SELECT * FROM migrations WHERE database_id = %s AND generation = %s"
            " ORDER BY id DESC LIMIT 1",
            [database.id, database.generation],
        )
        return migration_from(row) if row else None

    def last_of_template(self, app_id: AppId) -> Migration | None:
        """The last one that was to make a template of an app."""
        row = self._row(
            "SELECT m.* FROM migrations m JOIN runs r ON r.id = m.run_id"
            " WHERE r.app_id = %s AND m.environment = 'template' ORDER BY m.id DESC LIMIT 1",
            [app_id],
        )
        return migration_from(row) if row else None

    def branches_of(self, database_id: DatabaseId, head_sha: CommitSha) -> Sequence[BranchName]:
        """The branches whose runs migrated the database to this commit: the last few of them."""
        rows = self._rows(
            "SELECT source_branch FROM migrations JOIN runs ON runs.id = migrations.run_id"
            " WHERE database_id = %s AND head_sha = %s AND result = 'success'"
            " AND source_branch IS NOT NULL"
            " GROUP BY source_branch ORDER BY max(migrations.id) DESC LIMIT 3",
            [database_id, head_sha],
        )
        return [BranchName(row["source_branch"]) for row in rows]

    def take(self, new: Migration, *, expires_at: datetime) -> tuple[Migration, bool] | None:
        """Start it and hold its database; None while another migration does, or it is not ready.

        Returns the present one when it had started, and whether it holds the database.
        """
        with self._pool.connection() as connection:
            if not _is_ready(connection, new):
                return None
            _insert(connection, new)
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
        seeding = asdict(outcome.seeding) if outcome.seeding else {}
        traces = (outcome.trace, short(outcome.trace)) if outcome.trace else ()
        values = {
            "finished_at": at,
            "result": outcome.result,
            "exit_code": outcome.exit_code,
            "duration_seconds": outcome.duration_seconds,
            "log_tail": outcome.log_tail,
            **{column: seeding.get(name) for name, column in _SEED_COLUMNS.items()},
            "unfinished": Jsonb([asdict(one) for one in outcome.unfinished]),
            "traced": Jsonb(asdict(counted(outcome.trace))) if outcome.trace else None,
        }
        with self._pool.connection() as connection:
            finished = connection.execute(
                update("migrations", values, "WHERE id = %(id)s AND finished_at IS NULL"),
                {**values, "id": migration_id},
            )
            if finished.rowcount and (outcome.log or outcome.seed_log):
                connection.execute(
                    "INSERT INTO migration_logs (migration_id, log, seed_log) VALUES (%s, %s, %s)",
                    [migration_id, outcome.log, outcome.seed_log],
                )
            if finished.rowcount and traces:
                connection.execute(
                    "INSERT INTO traces (migration_id, trace, short) VALUES (%s, %s, %s)",
                    [migration_id, *(Json(asdict(one)) for one in traces)],
                )
            row = connection.execute(
                "SELECT * FROM migrations WHERE id = %s", [migration_id]
            ).fetchone()
        return migration_from(_present(row))

    def trace(self, migration_id: MigrationId) -> Trace | None:
        """What was seen of its command; None where it was not traced, or has not ended."""
        row = self._row("SELECT trace FROM traces WHERE migration_id = %s", [migration_id])
        return read(Trace, row["trace"]) if row else None

    def last_traced(self, database_id: DatabaseId) -> Migration | None:
        """The last migration of the database's present generation that was traced."""
        row = self._row(
            "SELECT m.* FROM databases d"
            " JOIN migrations m ON m.database_id = d.id AND m.generation = d.generation"
            " JOIN traces t ON t.migration_id = m.id"
            " WHERE d.id = %s ORDER BY m.id DESC LIMIT 1",
            [database_id],
        )
        return migration_from(row) if row else None

    def last_change(self, database_id: DatabaseId) -> tuple[CommitSha, Trace] | None:
        """The last trace of the database's present generation in which its schema changed.

        With its commit. A database that was empty got a schema: that is no change.
        """
        row = self._row(
            "SELECT r.head_sha, t.trace FROM databases d"
            " JOIN migrations m ON m.database_id = d.id AND m.generation = d.generation"
            " JOIN runs r ON r.id = m.run_id JOIN traces t ON t.migration_id = m.id"
            " WHERE d.id = %s AND (m.traced->>'changes')::int > 0 ORDER BY m.id DESC LIMIT 1",
            [database_id],
        )
        return (CommitSha(row["head_sha"]), read(Trace, row["trace"])) if row else None

    def past_of_branch(self, database_id: DatabaseId) -> Sequence[Past]:
        """What branches' runs did in a branch's database, and in preview: the last thousand.

        Of both as they are now, since they were made or emptied; the newest first. Without those
        whose command was never started.
        """
        rows = self._rows(
            "SELECT m.id, m.run_id, r.head_sha AS commit, m.environment = 'preview'"
            " AS is_of_preview, r.branch = b.branch AND r.created_at >= b.created_at AS is_own,"
            " m.result = 'success' AS succeeded, m.traced"
            " FROM databases b"
            " JOIN databases d ON d.id = b.id"
            "   OR (d.app_id = b.app_id AND d.environment = 'preview' AND d.is_live)"
            " JOIN migrations m ON m.database_id = d.id AND m.generation = d.generation"
            " JOIN runs r ON r.id = m.run_id AND r.branch IS NOT NULL"
            " WHERE b.id = %s AND (m.traced IS NOT NULL OR m.result IN ('success', 'timed-out')"
            "   OR (m.result = 'failure' AND m.duration_seconds IS DISTINCT FROM 0))"
            " ORDER BY m.id DESC LIMIT 1000",
            [database_id],
        )
        return [read(Past, row) for row in rows]

    def short_traces(self, migrations: Sequence[MigrationId]) -> Mapping[MigrationId, Trace]:
        """What later commits are told of those that were traced, the newest first."""
        rows = self._rows(
            "SELECT migration_id, coalesce(short, trace) AS trace FROM traces"
            " WHERE migration_id = ANY(%s) ORDER BY migration_id DESC",
            [list(migrations)],
        )
        return {MigrationId(row["migration_id"]): read(Trace, row["trace"]) for row in rows}

    def traces_elsewhere(self, database_id: DatabaseId) -> Sequence[Elsewhere]:
        """What an app's other branches did, also before a branch had that database.

        The newest first, the last hundred in which a statement blocked somebody or rewrote a table.
        """
        rows = self._rows(
            "SELECT m.id, r.head_sha AS commit, coalesce(t.short, t.trace) AS trace,"
            " r.branch IS NULL AND EXISTS (SELECT FROM migrations p WHERE p.run_id = r.id"
            "   AND p.environment = 'production' AND p.result = 'success') AS is_in_production"
            " FROM databases b JOIN runs r ON r.app_id = b.app_id"
            "   AND (r.branch IS DISTINCT FROM b.branch OR r.created_at < b.created_at)"
            " JOIN migrations m ON m.run_id = r.id JOIN traces t ON t.migration_id = m.id"
            " WHERE b.id = %s AND (m.traced->>'rewrites')::int"
            " + (m.traced->>'blocking_reads')::int + (m.traced->>'blocking_writes')::int > 0"
            " ORDER BY m.id DESC LIMIT 100",
            [database_id],
        )
        return [read(Elsewhere, row) for row in rows]

    def took_back(self, run_id: RunId, database_id: DatabaseId, settings: Sequence[str]) -> None:
        """Add names of settings that were taken back to the run's last migration there, if any."""
        self._change(
            "UPDATE migrations SET settings_taken_back ="
            " ARRAY(SELECT DISTINCT unnest(settings_taken_back || %s::text[]) ORDER BY 1)"
            " WHERE id = (SELECT max(id) FROM migrations WHERE run_id = %s AND database_id = %s)",
            [list(settings), run_id, database_id],
        )


class Leases(Table):
    """Who holds a database."""

    def of(self, database_id: DatabaseId) -> Lease | None:
        row = self._row(_LEASES + "leases.database_id = %s", [database_id])
        return _lease(row) if row else None

    def renew(self, migration_id: MigrationId, *, expires_at: datetime) -> bool:
        """Hold on; False when the lease was seized or has ended."""
        # A seized lease has expired for ever; one that merely expired comes back to life.
        return self._change(
            "UPDATE leases SET expires_at = %s WHERE migration_id = %s"
            " AND expires_at > '-infinity' AND EXISTS (SELECT FROM migrations"
            "   WHERE migrations.id = migration_id AND finished_at IS NULL)",
            [expires_at, migration_id],
        )

    def release(self, migration_id: MigrationId) -> None:
        self._change("DELETE FROM leases WHERE migration_id = %s", [migration_id])

    def expired(self, at: datetime) -> Sequence[Lease]:
        rows = self._rows(_LEASES + "leases.expires_at <= %s ORDER BY leases.database_id", [at])
        return [_lease(row) for row in rows]

    def seize(self, migration_id: MigrationId, *, at: datetime) -> bool:
        """Make an expired lease impossible to renew; it still keeps others out. May be repeated.

        False when it was renewed or has ended meanwhile.
        """
        return self._change(
            "UPDATE leases SET expires_at = '-infinity'"
            " WHERE migration_id = %s AND expires_at <= %s",
            [migration_id, at],
        )


def migration_from(row: DictRow) -> Migration:
    """A row of `migrations`, its COLUMNS selected."""
    seeding = {name: row[column] for name, column in _SEED_COLUMNS.items()}
    return read(Migration, {**row, "seeding": seeding if seeding["result"] else None})


def _lease(row: DictRow) -> Lease:
    return Lease(
        database_id=row["database_id"],
        migration=migration_from(row),
        expires_at=row["expires_at"],
    )


def _is_ready(connection: Connection[DictRow], new: Migration) -> bool:
    """Locks the row, so that nobody empties or deletes the database before the lease stands."""
    row = connection.execute(
        "SELECT FROM databases WHERE id = %s AND state = 'ready' AND generation = %s FOR SHARE",
        [new.database_id, new.generation],
    ).fetchone()
    return row is not None


def _insert(connection: Connection[DictRow], new: Migration) -> None:
    values = {name: getattr(new, name) for name in _BEGUN}
    ending: LiteralString = "ON CONFLICT (run_id, environment, rebuilt) DO NOTHING"
    connection.execute(insert("migrations", values, ending), values)


def _of_place(connection: Connection[DictRow], new: Migration) -> Migration:
    row = connection.execute(
        "SELECT * FROM migrations WHERE run_id = %s AND environment = %s AND rebuilt = %s",
        [new.run_id, new.environment, new.rebuilt],
    ).fetchone()
    return migration_from(_present(row))


def _present(row: DictRow | None) -> DictRow:
    assert row is not None  # noqa: S101 - the caller has just written it
    return row

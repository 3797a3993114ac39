"""Sizes and servers' health in the state database."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import LiteralString

from psycopg.types.json import Json, Jsonb

from app.core.findings import (
    InstanceMeasurement,
    InstanceTrial,
    ServerReport,
    SizeSample,
    TriedStep,
)
from app.core.identifiers import AppId, DatabaseId, InstanceId
from app.core.traces import Production, Size
from app.store.tables import Table, read

_RECORD_INSTANCE = """
    INSERT INTO instance_measurements AS known
        (instance_id, measured_at, version, findings, free_bytes, system_identifier, room, lacks)
    VALUES (%(id)s, %(at)s, %(version)s, %(findings)s, %(free_bytes)s, %(system_identifier)s,
        %(room)s, %(lacks)s)
    ON CONFLICT (instance_id) DO UPDATE SET (measured_at, version, problem, advice, findings,
        free_bytes, system_identifier, room, lacks) = (excluded.measured_at, excluded.version, NULL,
        '', excluded.findings, excluded.free_bytes, excluded.system_identifier, excluded.room,
        excluded.lacks)
"""
_RECORD_FAILURE = """
    INSERT INTO instance_measurements (instance_id, measured_at, problem, advice)
    VALUES (%(id)s, %(at)s, %(problem)s, %(advice)s)
    ON CONFLICT (instance_id) DO UPDATE SET (measured_at, problem, advice)
        = (excluded.measured_at, excluded.problem, excluded.advice)
"""
_RECORD_TRIAL = """
    INSERT INTO instance_trials (instance_id, tried_at, steps) VALUES (%(id)s, %(at)s, %(steps)s)
    ON CONFLICT (instance_id) DO UPDATE SET (tried_at, steps)
        = (excluded.tried_at, excluded.steps)
"""
# A size that has not changed is worth a row a day, so that a plot goes on.
_RECORD_SIZES = """
    INSERT INTO database_sizes (database_id, measured_at, size_bytes)
    SELECT databases.id, %(at)s, given.size
    FROM unnest(%(ids)s::bigint[], %(sizes)s::bigint[]) AS given (id, size)
    JOIN databases ON databases.id = given.id
    WHERE NOT EXISTS (
        SELECT FROM (SELECT * FROM database_sizes WHERE database_id = given.id
                     ORDER BY measured_at DESC LIMIT 1) latest
        WHERE latest.size_bytes = given.size AND latest.measured_at > %(at)s - interval '1 day')
    ON CONFLICT DO NOTHING
"""
_LATEST = """
    SELECT DISTINCT ON (database_id) database_id, size_bytes FROM database_sizes
    WHERE database_id = ANY(%s) ORDER BY database_id, measured_at DESC
"""
_SAMPLES: LiteralString = "SELECT database_id, measured_at, size_bytes FROM database_sizes "


class Measurements(Table):
    """Sizes over time, and how servers do. Each method is one transaction."""

    def record(
        self,
        instance_id: InstanceId,
        *,
        at: datetime,
        report: ServerReport,
        sizes: Mapping[DatabaseId, int],
        free_bytes: int | None,
    ) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                _RECORD_INSTANCE,
                {
                    "id": instance_id,
                    "at": at,
                    "version": report.version,
                    "findings": Jsonb([asdict(finding) for finding in report.findings]),
                    "free_bytes": free_bytes,
                    "system_identifier": report.system_identifier,
                    "room": report.room,
                    "lacks": list(report.lacks),
                },
            )
            connection.execute(
                _RECORD_SIZES, {"at": at, "ids": list(sizes), "sizes": list(sizes.values())}
            )

    def record_failure(
        self, instance_id: InstanceId, *, at: datetime, problem: str, advice: str
    ) -> None:
        self._change(
            _RECORD_FAILURE, {"id": instance_id, "at": at, "problem": problem, "advice": advice}
        )

    def record_trial(
        self, instance_id: InstanceId, *, at: datetime, steps: Sequence[TriedStep]
    ) -> None:
        """In place of the one before."""
        self._change(
            _RECORD_TRIAL,
            {"id": instance_id, "at": at, "steps": Jsonb([asdict(step) for step in steps])},
        )

    def trial_of(self, instance_id: InstanceId) -> InstanceTrial | None:
        """None: nothing was tried on it so far."""
        return self._one(
            InstanceTrial, "SELECT * FROM instance_trials WHERE instance_id = %s", [instance_id]
        )

    def of_instance(self, instance_id: InstanceId) -> InstanceMeasurement | None:
        """None: it was not measured yet."""
        return self.of_instances([instance_id]).get(instance_id)

    def of_instances(
        self, instance_ids: Collection[InstanceId]
    ) -> Mapping[InstanceId, InstanceMeasurement]:
        """Of those that were measured."""
        rows = self._rows(
            "SELECT * FROM instance_measurements WHERE instance_id = ANY(%s)",
            [list(instance_ids)],
        )
        return {row["instance_id"]: read(InstanceMeasurement, row) for row in rows}

    def sizes(self, database_ids: Sequence[DatabaseId]) -> Mapping[DatabaseId, int]:
        """The latest sizes, in bytes, of those that were measured."""
        rows = self._rows(_LATEST, [list(database_ids)])
        return {row["database_id"]: row["size_bytes"] for row in rows}

    def history(self, app_id: AppId, *, since: datetime) -> Sequence[SizeSample]:
        """Samples of an app's databases, oldest first."""
        return self._all(
            SizeSample,
            _SAMPLES + "JOIN databases ON databases.id = database_id"
            " WHERE app_id = %(id)s AND measured_at >= %(since)s ORDER BY measured_at, database_id",
            {"id": app_id, "since": since},
        )

    def of_database(
        self, database_id: DatabaseId, *, after: datetime | None, limit: int
    ) -> Sequence[SizeSample]:
        """Samples of one database, oldest first; None: from the first one that is kept."""
        return self._all(
            SizeSample,
            _SAMPLES + "WHERE database_id = %(id)s"
            " AND (%(after)s::timestamptz IS NULL OR measured_at > %(after)s)"
            " ORDER BY measured_at LIMIT %(limit)s",
            {"id": database_id, "after": after, "limit": limit},
        )

    def keep_tables(self, app_id: AppId, tables: Mapping[str, Size], *, at: datetime) -> None:
        """Remember how large production's tables are, in place of what was known before then."""
        told = Json({name: asdict(size) for name, size in tables.items()})
        self._change(
            "INSERT INTO production_tables (app_id, measured_at, tables) VALUES (%s, %s, %s)"
            " ON CONFLICT (app_id) DO UPDATE"
            " SET (measured_at, tables) = (excluded.measured_at, excluded.tables)"
            " WHERE production_tables.measured_at <= excluded.measured_at",
            [app_id, at, told],
        )

    def tables(self, app_id: AppId) -> Production | None:
        """How large they are; None where no migration of production has told it yet."""
        row = self._row(
            "SELECT measured_at, tables FROM production_tables WHERE app_id = %s", [app_id]
        )
        return read(Production, row) if row else None

    def forget(self, *, before: datetime) -> None:
        """Delete older samples, the latest of each database apart."""
        self._change(
            "DELETE FROM database_sizes old WHERE measured_at < %s AND EXISTS (SELECT FROM"
            " database_sizes WHERE database_id = old.database_id"
            " AND measured_at > old.measured_at)",
            [before],
        )

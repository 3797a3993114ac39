"""How the state database and its queue are; asked over a connection of its own."""

from dataclasses import dataclass

import psycopg
from psycopg.rows import class_row, dict_row

from app.operations.administration.surroundings import QueueHealth
from app.store.connection import StateUnavailable, state_conninfo

# Workers give a sign every second or so, and are taken for dead after a few.
_ALIVE_SECONDS = 10

_HEALTH = """
    WITH jobs AS (
        SELECT status, coalesce(
            scheduled_at,
            (SELECT min(at) FROM procrastinate_events events WHERE events.job_id = jobs.id)
        ) AS due_at
        FROM procrastinate_jobs jobs WHERE status IN ('todo', 'failed')
    ), due AS (
        SELECT count(*) AS waiting,
            coalesce(extract(epoch FROM now() - min(due_at)), 0)::float8 AS oldest_seconds
        FROM jobs WHERE status = 'todo' AND due_at <= now()
    ), failed AS (
        SELECT count(*) AS failed FROM jobs
        WHERE status = 'failed' AND due_at > now() - interval '1 day'
    ), alive AS (
        SELECT count(*) AS workers FROM procrastinate_workers
        WHERE last_heartbeat > now() - make_interval(secs => %s)
    )
    SELECT * FROM due, failed, alive
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Inventory:
    """How much there is to look after."""

    instances: int
    apps: int
    """Those that are assigned."""


def inventory(dsn: str) -> Inventory:
    """Count instances and assigned apps. Raises StateUnavailable."""
    try:
        with psycopg.connect(state_conninfo(dsn), row_factory=class_row(Inventory)) as connection:
            cursor = connection.execute(
                "SELECT (SELECT count(*) FROM instances) AS instances,"
                " (SELECT count(*) FROM assignments) AS apps"
            )
            return next(iter(cursor))
    except psycopg.OperationalError as error:
        raise StateUnavailable from error


def state_version(dsn: str) -> str:
    """Which PostgreSQL holds the state. Raises StateUnavailable."""
    try:
        with psycopg.connect(state_conninfo(dsn)) as connection:
            return connection.info.parameter_status("server_version") or "?"
    except psycopg.OperationalError as error:
        raise StateUnavailable("The state database does not answer.") from error


def queue_health(dsn: str) -> QueueHealth:
    """Workers and jobs. Raises StateUnavailable."""
    try:
        with psycopg.connect(state_conninfo(dsn), row_factory=dict_row) as connection:
            row = connection.execute(_HEALTH, [_ALIVE_SECONDS]).fetchone()
    except psycopg.OperationalError as error:
        raise StateUnavailable("The state database does not answer.") from error
    assert row is not None  # noqa: S101 - an aggregate gives one row
    return QueueHealth(**row)

"""Queueing jobs on their own, where no row is written with them."""

from collections.abc import Mapping, Sequence
from typing import LiteralString

from app.core.hosts import SILENT
from app.core.intents import Intent
from app.core.queues import QueueTraffic, Traffic
from app.store.jobs import defer
from app.store.tables import Table, read

# Workers give a sign every second or so, and are taken for dead after a few.
_ALIVE_SECONDS = 10

# A job is due once its time has come and none of its lock is at work.
_QUEUES: LiteralString = """
    WITH jobs AS (
        SELECT queue_name, status, CASE WHEN status = 'doing' THEN
                (SELECT max(at) FROM procrastinate_events events
                 WHERE events.job_id = jobs.id AND type = 'started')
            WHEN EXISTS (SELECT FROM procrastinate_jobs others
                 WHERE others.lock = jobs.lock AND others.status = 'doing') THEN NULL
            ELSE coalesce(scheduled_at, (SELECT min(at) FROM procrastinate_events events
                 WHERE events.job_id = jobs.id))
            END AS since
        FROM procrastinate_jobs jobs WHERE status IN ('todo', 'doing')
    ), names AS (
        SELECT queue_name FROM queue_activity UNION SELECT queue_name FROM jobs
    )
    SELECT queue_name AS name,
        count(*) FILTER (WHERE status = 'todo') AS waiting,
        count(*) FILTER (WHERE status = 'doing') AS running,
        greatest(extract(epoch FROM now() - min(since) FILTER (WHERE status = 'todo')), 0)::float8
            AS oldest_seconds,
        greatest(extract(epoch FROM now() - min(since) FILTER (WHERE status = 'doing')), 0)::float8
            AS longest_run_seconds,
        extract(epoch FROM now() - min(fetched_at))::float8 AS silent_seconds,
        EXISTS (SELECT FROM hosts WHERE queue_name = 'databases@' || hosts.id
            AND hosts.seen_at < now() - %s) AS is_of_silent_host
    FROM names LEFT JOIN jobs USING (queue_name) LEFT JOIN queue_activity USING (queue_name)
    GROUP BY queue_name ORDER BY queue_name
"""
_ALL: LiteralString = """
    SELECT
        (SELECT count(*) FROM procrastinate_workers
         WHERE last_heartbeat > now() - make_interval(secs => %s)) AS workers,
        (SELECT extract(epoch FROM now() - max(asked_at))::float8 FROM queue_activity)
            AS asked_seconds,
        (SELECT count(*) FROM procrastinate_jobs jobs WHERE status = 'failed'
         AND coalesce(scheduled_at, (SELECT min(at) FROM procrastinate_events events
            WHERE events.job_id = jobs.id)) > now() - interval '1 day') AS failed
"""


class Queue(Table):
    """The queue, for jobs that go with no row."""

    def add(self, intents: Sequence[Intent]) -> None:
        with self._pool.connection() as connection:
            defer(connection, intents)

    def waiting(self) -> Mapping[str, int]:
        """How many jobs wait or run, by queue."""
        rows = self._rows(
            "SELECT queue_name, count(*) AS jobs FROM procrastinate_jobs"
            " WHERE status IN ('todo', 'doing') GROUP BY queue_name"
        )
        return {row["queue_name"]: row["jobs"] for row in rows}

    def traffic(self) -> Traffic:
        """How work goes on."""
        [row] = self._rows(_ALL, [_ALIVE_SECONDS])
        return read(Traffic, {**row, "queues": self._all(QueueTraffic, _QUEUES, [SILENT])})

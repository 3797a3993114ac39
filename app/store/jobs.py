"""How an intent becomes a job of the queue, in the transaction of whoever has it."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any, LiteralString

from psycopg import Connection

from app.core.intents import Intent

# A job that waits and has not begun does all that another one like it would: that one is left out,
# and the waiting one becomes due if it was put off. Its row is locked until the caller commits, so
# that it cannot begin before what it is to see is there; jobs in the order of their ids, because
# two callers may know the same jobs in another order. What is for one machine goes to its queue.
# Follows a WITH that ends with `cause`: where that has no row, nothing is queued.
_DEFER: LiteralString = """
    , wanted AS (
        SELECT * FROM ROWS FROM (jsonb_to_recordset(%(jobs)s) AS (queue text, task text,
            priority integer, lock text, is_one boolean, delay_seconds double precision,
            arguments jsonb)) WITH ORDINALITY
            AS jobs (queue, task, priority, lock, is_one, delay_seconds, arguments, number)
        WHERE EXISTS (SELECT FROM cause)
    ), alike AS MATERIALIZED (
        SELECT number, id,
            scheduled_at IS NOT NULL AND delay_seconds = 0 AND attempts = 0 AS is_late
        FROM procrastinate_jobs JOIN wanted USING (lock)
        WHERE status = 'todo' AND task_name = task AND args = arguments
            AND (is_one OR attempts = 0 AND procrastinate_jobs.priority = wanted.priority)
        ORDER BY id FOR UPDATE OF procrastinate_jobs
    ), hurried AS (
        UPDATE procrastinate_jobs SET scheduled_at = NULL
        WHERE id IN (SELECT id FROM alike WHERE is_late)
    )
    SELECT (SELECT procrastinate_defer_jobs_v1(array_agg(
        (CASE queue WHEN 'databases' THEN concat_ws('@', queue, job_host(arguments)) ELSE queue END,
         task, priority, lock, NULL, arguments,
         CASE WHEN delay_seconds > 0 THEN now() + make_interval(secs => delay_seconds) END
        )::procrastinate_job_to_defer_v1 ORDER BY number))
        FROM wanted WHERE number NOT IN (SELECT number FROM alike) HAVING count(*) > 0)
    FROM cause
"""


def defer(connection: Connection[Any], intents: Sequence[Intent]) -> None:
    """Queue one job for each intent in the caller's transaction: both exist, or neither.

    Calls procrastinate's own function in one round trip: its Python API cannot use a caller's
    connection while the process is a worker too.
    """
    if intents:
        defer_with(connection, "WITH cause AS (SELECT)", {}, intents)


def defer_with(
    connection: Connection[Any],
    cause: LiteralString,
    values: Mapping[str, Any],
    intents: Sequence[Intent],
) -> bool:
    """Queue the jobs in the one statement that stores why.

    `cause` is a WITH whose last query has that name, `values` are its parameters. Returns whether
    `cause` had a row: without one nothing is queued.
    """
    jobs = json.dumps([_job(intent) for intent in intents])
    statement = cause + (_DEFER if intents else " SELECT FROM cause")
    return connection.execute(statement, {**values, "jobs": jobs}).rowcount > 0


def _job(intent: Intent) -> dict[str, Any]:
    arguments = asdict(intent)
    return {
        "delay_seconds": arguments.pop("delay_seconds"),
        "queue": intent.queue,
        "task": intent.name,
        "priority": intent.priority,
        "lock": intent.lock,
        "is_one": intent.is_one,
        "arguments": arguments,
    }

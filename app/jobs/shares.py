"""Who gets a worker's threads: no repository and no instance may have all of them.

A server that hangs, or a job that defends its database, keeps a thread for as long as we wait for
it. So each worker gives only some of its threads to one repository and to one instance, and fewer
to jobs that failed before; all others find a free one at once, whatever waits before them.
"""

from collections.abc import Mapping
from typing import LiteralString

from procrastinate import sql

from app.core.queues import DATABASES

FETCH = sql.queries["fetch_job"]
"""Procrastinate's own: jobs of one lock strictly in order, also while the first is put off."""

# Of a worker's eight threads. Each worker counts its own jobs: two never wait for each other, and a
# second one doubles the shares.
SHARES: Mapping[str, Mapping[str, int]] = {
    DATABASES: {
        "of_repository": 4,
        "of_instance": 6,
        # Of jobs that failed before: they come back for as long as their server is away.
        "of_repository_again": 1,
        "of_instance_again": 2,
        "again": 4,
    }
}

# Which repository and instances a job concerns is read from its arguments (see the functions in
# the migrations). A job that is put off holds up no other of its lock: a Fix is not to wait for the
# time that a failed attempt was given, nor for the share that another attempt lacks. Of those that
# failed the one that is due for longest comes first, so that old jobs of servers that are away are
# not always before those of others. Two of one lock never run at once, for a unique index.
FETCH_IN_SHARES: LiteralString = """
    WITH running AS MATERIALIZED (
        SELECT attempts > 0 AS is_again, job_repository(args) AS repository,
            job_instances(args) AS instances
        FROM procrastinate_jobs WHERE status = 'doing' AND worker_id = %(worker_id)s
    ), by_repository AS (
        SELECT repository, count(*) AS jobs, count(*) FILTER (WHERE is_again) AS jobs_again
        FROM running WHERE repository IS NOT NULL GROUP BY repository
    ), by_instance AS (
        SELECT instance, count(*) AS jobs, count(*) FILTER (WHERE is_again) AS jobs_again
        FROM running, unnest(instances) AS instance GROUP BY instance
    ), taken AS MATERIALIZED (
        SELECT
            array(SELECT repository FROM by_repository WHERE jobs >= %(of_repository)s)
                AS repositories,
            array(SELECT instance FROM by_instance WHERE jobs >= %(of_instance)s) AS instances,
            array(SELECT repository FROM by_repository WHERE jobs_again >= %(of_repository_again)s)
                AS repositories_again,
            array(SELECT instance FROM by_instance WHERE jobs_again >= %(of_instance_again)s)
                AS instances_again,
            (SELECT count(*) >= %(again)s FROM running WHERE is_again) AS is_all_again
    ), candidate AS (
        SELECT jobs.id FROM procrastinate_jobs jobs CROSS JOIN taken
        WHERE jobs.status = 'todo' AND jobs.queue_name = ANY(%(queues)s)
            AND (jobs.scheduled_at IS NULL OR jobs.scheduled_at <= now())
            AND (jobs.lock IS NULL OR NOT EXISTS (
                SELECT FROM procrastinate_jobs others
                WHERE others.status = 'doing' AND others.lock = jobs.lock))
            AND (jobs.lock IS NULL OR NOT EXISTS (
                SELECT FROM procrastinate_jobs others
                WHERE others.status = 'todo' AND others.lock = jobs.lock
                    AND (others.scheduled_at IS NULL OR others.scheduled_at <= now())
                    AND (others.attempts = 0 OR jobs.attempts > 0)
                    AND (others.priority > jobs.priority
                        OR others.priority = jobs.priority AND others.id < jobs.id)))
            AND (taken.repositories = '{}'
                OR (job_repository(jobs.args) = ANY(taken.repositories)) IS NOT TRUE)
            AND (taken.instances = '{}' OR NOT job_instances(jobs.args) && taken.instances)
            AND (jobs.attempts = 0 OR NOT taken.is_all_again)
            AND (jobs.attempts = 0 OR taken.repositories_again = '{}'
                OR (job_repository(jobs.args) = ANY(taken.repositories_again)) IS NOT TRUE)
            AND (jobs.attempts = 0 OR taken.instances_again = '{}'
                OR NOT job_instances(jobs.args) && taken.instances_again)
        ORDER BY jobs.priority DESC,
            CASE WHEN jobs.attempts > 0 THEN jobs.scheduled_at END NULLS FIRST, jobs.id
        LIMIT 1
        FOR UPDATE OF jobs SKIP LOCKED
    )
    UPDATE procrastinate_jobs SET status = 'doing', worker_id = %(worker_id)s
    FROM candidate WHERE procrastinate_jobs.id = candidate.id
    RETURNING procrastinate_jobs.*
"""

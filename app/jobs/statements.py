"""What the ledger asks of the tables of the queue."""

from typing import LiteralString

# A job is in the hands of whoever fetched it at this number of attempts: each time that it is put
# back the number grows. A worker that slept while another took its job over ends nothing by it.
FINISH: LiteralString = """
    WITH mine AS (
        SELECT id FROM procrastinate_jobs
        WHERE id = %(job_id)s AND status = 'doing' AND attempts = %(attempts)s FOR UPDATE
    )
    SELECT procrastinate_finish_job_v1(id, %(status)s, %(delete_job)s) FROM mine
"""
RETRY: LiteralString = """
    WITH mine AS (
        SELECT id FROM procrastinate_jobs
        WHERE id = %(job_id)s AND status = 'doing' AND attempts = %(attempts)s FOR UPDATE
    )
    SELECT procrastinate_retry_job_v2(id, %(retry_at)s, %(priority)s, %(queue)s, %(lock)s)
    FROM mine
"""
# One that waits under the same queueing lock does all that this one would.
TAKE_OVER: LiteralString = """
    WITH dead AS (
        SELECT id, queueing_lock FROM procrastinate_jobs jobs
        WHERE id = %(job_id)s AND status = 'doing' AND attempts = %(attempts)s
            AND NOT EXISTS (
                SELECT FROM procrastinate_workers workers WHERE workers.id = jobs.worker_id
                    AND last_heartbeat >= now() - make_interval(secs => %(seconds)s))
        FOR UPDATE SKIP LOCKED
    ), dropped AS (
        DELETE FROM procrastinate_jobs WHERE id IN (
            SELECT dead.id FROM dead JOIN procrastinate_jobs waiting USING (queueing_lock)
            WHERE waiting.status = 'todo')
        RETURNING id
    ), put_back AS (
        UPDATE procrastinate_jobs
        SET status = 'todo', attempts = attempts + 1, abort_requested = false,
            scheduled_at = now() + make_interval(secs => %(wait)s)
        WHERE id IN (SELECT id FROM dead) AND id NOT IN (SELECT id FROM dropped)
        RETURNING id
    )
    SELECT 'dropped' AS how FROM dropped UNION ALL SELECT 'put back' FROM put_back
"""
# Also after another worker has crossed this one out, as it does with one that slept.
SIGN: LiteralString = """
    INSERT INTO procrastinate_workers (id, last_heartbeat) OVERRIDING SYSTEM VALUE
    VALUES (%(worker_id)s, now()) ON CONFLICT (id) DO UPDATE SET last_heartbeat = now()
"""
# Jobs of no worker are taken over like those of a dead one.
LET_GO: LiteralString = """
    UPDATE procrastinate_jobs SET worker_id = NULL
    WHERE status = 'doing' AND worker_id = %(worker_id)s AND id <> ALL (%(in_hand)s::bigint[])
"""
# So that a queue that stands still is seen, also when its workers are gone without a trace. Nobody
# waits for another who writes the same.
ACTIVE: LiteralString = """
    WITH free AS (
        SELECT queue_name FROM queue_activity WHERE queue_name = %(queue)s FOR UPDATE SKIP LOCKED
    )
    UPDATE queue_activity AS activity SET asked_at = now(),
        fetched_at = CASE WHEN %(is_fetched)s THEN now() ELSE activity.fetched_at END
    FROM free WHERE free.queue_name = activity.queue_name
"""

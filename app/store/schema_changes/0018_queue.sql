-- What a job concerns, read from its arguments, so that nothing keeps a worker's threads for itself.

-- Looks at whole installations are one another's company: GitHub's number of a repository is never 0.
CREATE FUNCTION job_repository(arguments jsonb) RETURNS bigint LANGUAGE sql STABLE AS $$
    SELECT coalesce(
        (arguments ->> 'repository_id')::bigint,
        (SELECT repository_id FROM databases JOIN apps ON apps.id = app_id
         WHERE databases.id = (arguments ->> 'database_id')::bigint),
        CASE WHEN arguments ? 'installation_id' THEN 0 END)
$$;

CREATE FUNCTION job_instances(arguments jsonb) RETURNS bigint[] LANGUAGE sql STABLE AS $$
    SELECT array(
        SELECT (arguments ->> 'instance_id')::bigint WHERE arguments ? 'instance_id'
        UNION
        SELECT instance_id FROM databases WHERE id = (arguments ->> 'database_id')::bigint
        UNION
        SELECT instance_id FROM assignments JOIN apps ON apps.id = app_id
        WHERE repository_id = (arguments ->> 'repository_id')::bigint
            AND NOT arguments ? 'database_id')
$$;

-- A job looks for others of its lock each time that a worker asks for one.
CREATE INDEX procrastinate_jobs_waiting_lock ON procrastinate_jobs (lock) WHERE status = 'todo';

-- When a worker last asked for a job of a queue, and when one was last given: a queue that stands
-- still is seen by it.
CREATE TABLE queue_activity (
    queue_name text PRIMARY KEY,
    asked_at timestamptz,
    fetched_at timestamptz
);
INSERT INTO queue_activity (queue_name) VALUES ('databases'), ('github'), ('comments');

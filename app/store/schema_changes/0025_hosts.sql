-- Machines with a data directory. A provisioned instance's server stands on one of them and listens
-- for it: what is done with it is done there.
CREATE TABLE hosts (
    id text PRIMARY KEY, -- of the file host-id in the data directory
    name text NOT NULL,
    place text NOT NULL, -- tells a copy of the data directory from the one that the id is of; '': free
    seen_at timestamptz NOT NULL
);

-- NULL for linked ones, and for those of before until the machine that has them adopts them.
ALTER TABLE instances ADD COLUMN host_id text REFERENCES hosts;

-- Which machine a job is for; NULL: any. A look at a branch makes databases itself, so it is for the
-- machine of its repository's instances where that is one.
CREATE FUNCTION job_host(arguments jsonb) RETURNS text LANGUAGE sql STABLE AS $$
    SELECT CASE WHEN count(DISTINCT host_id) = 1 THEN min(host_id) END FROM instances
    WHERE id = ANY (job_instances(arguments))
        AND (arguments ?| ARRAY['instance_id', 'database_id', 'branch'])
$$;

-- Logins that are made on another machine than the one that was asked for them.
CREATE TABLE login_requests (
    database_id bigint NOT NULL REFERENCES databases ON DELETE CASCADE,
    run_id bigint REFERENCES runs ON DELETE CASCADE, -- NULL: for a person
    generation integer NOT NULL,
    asked_at timestamptz NOT NULL DEFAULT now(),
    made_at timestamptz, -- or refused
    pooler_problem text, -- why its pooler is left out
    error jsonb, -- why it was refused
    UNIQUE NULLS NOT DISTINCT (database_id, run_id)
);
CREATE INDEX ON login_requests (run_id);

-- What commands need of the settings of the service that was started last.
CREATE TABLE kept_settings (
    is_only boolean PRIMARY KEY DEFAULT true CHECK (is_only),
    settings bytea NOT NULL -- encrypted
);

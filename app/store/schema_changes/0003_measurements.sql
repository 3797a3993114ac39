-- How large databases are and how their servers do, as a worker last saw it: pages never wait for
-- a server.

CREATE TABLE instance_measurements (
    instance_id bigint PRIMARY KEY REFERENCES instances ON DELETE CASCADE,
    measured_at timestamptz NOT NULL,
    version text,
    problem text, -- why it could not be measured; what was known before stays
    advice text NOT NULL DEFAULT '',
    findings jsonb NOT NULL DEFAULT '[]', -- of the connection test
    free_bytes bigint -- of its disk, where the service can tell
);

-- A row where the size changed, and one a day.
CREATE TABLE database_sizes (
    database_id bigint NOT NULL REFERENCES databases ON DELETE CASCADE,
    measured_at timestamptz NOT NULL,
    size_bytes bigint NOT NULL,
    PRIMARY KEY (database_id, measured_at)
);

-- What each statement of a migration locked; apart, because whoever reads migrations seldom wants
-- it. It is only ever read whole, hence json.
CREATE TABLE traces (
    migration_id bigint PRIMARY KEY REFERENCES migrations ON DELETE CASCADE,
    trace json NOT NULL
);

-- The tables of an app's production, by the estimates of its catalog: what a lock there concerns.
CREATE TABLE production_tables (
    app_id text PRIMARY KEY REFERENCES apps ON DELETE CASCADE,
    measured_at timestamptz NOT NULL,
    tables json NOT NULL
);

-- New assignments begin with a trace of what is not production; for those there are, somebody
-- decides.
UPDATE assignments SET policies = policies || '{"trace": "off"}';

-- How much the trace of a migration tells, for lists of runs; null: there is none.
ALTER TABLE migrations ADD COLUMN traced jsonb;

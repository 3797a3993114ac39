-- What the commands of a migration wrote, with its colours; apart, because whoever reads migrations
-- seldom wants it. Their ends, for check runs, are in `migrations`.

CREATE TABLE migration_logs (
    migration_id bigint PRIMARY KEY REFERENCES migrations ON DELETE CASCADE,
    log text NOT NULL,
    seed_log text NOT NULL
);

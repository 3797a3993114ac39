-- The command ended well without ever connecting to its database: no success, and no failure.
ALTER TABLE migrations
    DROP CONSTRAINT migrations_result_check,
    ADD CONSTRAINT migrations_result_check CHECK (result IN (
        'success', 'failure', 'timed-out', 'superseded', 'skipped', 'never-connected')),
    DROP CONSTRAINT migrations_seed_result_check,
    ADD CONSTRAINT migrations_seed_result_check CHECK (seed_result IN (
        'success', 'failure', 'timed-out', 'never-connected'));

-- What is held exclusively, as a row that is locked. Not advisory locks: whoever may connect could
-- take those, and pg_locks shows everybody which are in use.
CREATE TABLE locks (
    kind text NOT NULL,
    key text NOT NULL,
    PRIMARY KEY (kind, key)
);

-- Which branch a run is on, whatever databases it reaches; NULL for runs of before.
ALTER TABLE runs ADD COLUMN source_branch text;

-- What each branch says on a commit that is the head of several: a check shows the worst of it.
CREATE TABLE check_votes (
    check_id bigint NOT NULL REFERENCES checks ON DELETE CASCADE,
    branch text NOT NULL, -- '' for what belongs to no branch of its own
    content jsonb NOT NULL,
    database_id bigint REFERENCES databases ON DELETE SET NULL,
    run_id bigint REFERENCES runs ON DELETE SET NULL,
    cast_at timestamptz NOT NULL DEFAULT now(),
    PRIMARY KEY (check_id, branch)
);
CREATE INDEX ON check_votes (branch);
CREATE INDEX ON check_votes (run_id);
CREATE INDEX ON check_votes (database_id);
INSERT INTO check_votes (check_id, branch, content, database_id, run_id, cast_at)
SELECT c.id, coalesce(d.branch, r.branch, ''), c.content, c.database_id, c.run_id, c.updated_at
FROM checks c LEFT JOIN databases d ON d.id = c.database_id LEFT JOIN runs r ON r.id = c.run_id
WHERE c.database_id IS NOT NULL OR c.run_id IS NOT NULL;

-- The server is told passwords in plain, because it takes no verifiers and an operator chose this.
ALTER TABLE instances ADD COLUMN has_plain_passwords boolean NOT NULL DEFAULT false;

-- What was tried on an instance's server by doing it, when that was done last.
CREATE TABLE instance_trials (
    instance_id bigint PRIMARY KEY REFERENCES instances ON DELETE CASCADE,
    tried_at timestamptz NOT NULL,
    steps jsonb NOT NULL
);

-- What somebody knows of a server and accepts, in the words in which it was said: said otherwise it
-- is to be looked at again.
CREATE TABLE acknowledgements (
    instance_id bigint NOT NULL REFERENCES instances ON DELETE CASCADE,
    code text NOT NULL,
    message text NOT NULL,
    acknowledged_by text NOT NULL,
    acknowledged_at timestamptz NOT NULL,
    PRIMARY KEY (instance_id, code, message)
);

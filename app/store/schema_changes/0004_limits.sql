-- What may be made on an instance, who took it over, and the links by which that is done.

CREATE TABLE instance_limits (
    instance_id bigint PRIMARY KEY REFERENCES instances ON DELETE CASCADE,
    limits jsonb NOT NULL -- the fields of app.core.limits.Limits
);

-- Past the size that its instance allows: it lets nobody in, and only a person or space opens it.
ALTER TABLE databases ADD COLUMN is_frozen boolean NOT NULL DEFAULT false;

CREATE TABLE instance_claims (
    instance_id bigint PRIMARY KEY REFERENCES instances ON DELETE CASCADE,
    token_hash bytea NOT NULL UNIQUE, -- of the link that was made last
    limits jsonb NOT NULL, -- in force once it is claimed
    expires_at timestamptz NOT NULL,
    owner_id bigint, -- GitHub's id of the account that claimed it
    owner_login text,
    claimed_at timestamptz,
    CHECK ((owner_id IS NULL) = (claimed_at IS NULL))
);

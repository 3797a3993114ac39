-- The GitHub App that the set-up page made; settings in the environment win over it.
CREATE TABLE github_app (
    id boolean PRIMARY KEY DEFAULT true CHECK (id),
    app_id bigint NOT NULL,
    url text NOT NULL,
    client_id text NOT NULL,
    private_key bytea NOT NULL, -- encrypted, as the next two
    webhook_secret bytea NOT NULL,
    client_secret bytea NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now()
);

-- Links that let an operator in without a GitHub account, once each.
CREATE TABLE login_links (
    fingerprint bytea PRIMARY KEY,
    expires_at timestamptz NOT NULL
);

-- Tokens of the API. Only a hash is kept: whoever reads this table can use none of them.
CREATE TABLE tokens (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint bytea NOT NULL UNIQUE,
    name text NOT NULL,
    kind text NOT NULL CHECK (kind IN ('automation', 'login')),
    maker_login text NOT NULL, -- empty: an operator without an account
    maker_id bigint NOT NULL,
    app_id text REFERENCES apps,
    is_read_only boolean NOT NULL,
    created_at timestamptz NOT NULL DEFAULT now(),
    expires_at timestamptz,
    last_used_at timestamptz
);
CREATE INDEX ON tokens (maker_id);

-- `coppice login`: a terminal waits with its device code until a person confirms the user code.
CREATE TABLE device_logins (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    fingerprint bytea NOT NULL UNIQUE, -- of the device code
    user_code text NOT NULL UNIQUE,
    name text NOT NULL, -- what the token will be called
    source text NOT NULL, -- the address that asked
    expires_at timestamptz NOT NULL,
    answer text CHECK (answer IN ('confirmed', 'denied')),
    login text,
    user_id bigint
);

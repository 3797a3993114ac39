-- Sessions of browsers that were ended by a log-out: a copy of the cookie is worth nothing.
CREATE TABLE ended_sessions (
    fingerprint bytea PRIMARY KEY,
    until timestamptz NOT NULL -- when the cookie would have ended by itself
);

-- What is held exclusively, as a row that is locked. Not advisory locks: whoever may connect could
-- take those, and pg_locks shows everybody which are in use.
CREATE TABLE locks (
    kind text NOT NULL,
    key text NOT NULL,
    PRIMARY KEY (kind, key)
);

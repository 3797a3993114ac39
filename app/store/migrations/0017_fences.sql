-- Grows whenever the lock of a database is taken: who held the lock before is refused by it, here and
-- on the database's server.
ALTER TABLE databases ADD COLUMN fence bigint NOT NULL DEFAULT 0;

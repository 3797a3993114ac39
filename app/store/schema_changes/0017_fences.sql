-- Grows whenever the lock of a database is taken: who held the lock before is refused by it, here and
-- on the database's server.
ALTER TABLE databases ADD COLUMN fence bigint NOT NULL DEFAULT 0;

-- Being deleted, from which there is no way back: nothing is assigned to it any more.
ALTER TABLE instances ADD COLUMN is_going boolean NOT NULL DEFAULT false;

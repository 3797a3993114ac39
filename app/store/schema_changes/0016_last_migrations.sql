-- The last migration of a database is found at the end of its part of the index, however many there
-- were before.
CREATE INDEX ON migrations (database_id, id);
DROP INDEX migrations_database_id_idx;

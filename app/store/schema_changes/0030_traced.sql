-- How much the trace of a migration tells, for lists of runs; null: there is none.
ALTER TABLE migrations ADD COLUMN traced jsonb;

-- Invalid indexes and constraints that are not validated, as a run's commands left them behind:
-- a list of {kind, schema, table, name}.
ALTER TABLE migrations ADD COLUMN unfinished jsonb NOT NULL DEFAULT '[]';

-- How many sessions the server has for roles that are no administrators.
ALTER TABLE instance_measurements ADD COLUMN room integer;

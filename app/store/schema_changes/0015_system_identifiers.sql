-- Which cluster a server is, by PostgreSQL's own number of it, where the service's role may read
-- that: two instances may lead to the same server under different names.
ALTER TABLE instance_measurements ADD COLUMN system_identifier text;

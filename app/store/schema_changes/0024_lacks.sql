-- What applications often ask for and a server's programs come without, as it was last measured.
ALTER TABLE instance_measurements ADD COLUMN lacks text[] NOT NULL DEFAULT '{}';

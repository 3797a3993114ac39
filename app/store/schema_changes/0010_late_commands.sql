-- Commands whose job gave up before it could read from GitHub whether they may be carried out.

ALTER TABLE commands ADD COLUMN is_given_up boolean NOT NULL DEFAULT false;

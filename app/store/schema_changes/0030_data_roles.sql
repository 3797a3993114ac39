-- The role that owns what is inside, one for an app on an instance; null: the login owns it. Those
-- there are get one when they are emptied next.
ALTER TABLE databases ADD COLUMN data_role text;

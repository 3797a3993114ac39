-- Which kinds of instances there are, the program says.
ALTER TABLE instances DROP CONSTRAINT instances_kind_check;

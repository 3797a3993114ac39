-- A person wants a deleted database dropped now; until it is restored, or deleted anew.
ALTER TABLE databases ADD COLUMN is_unwanted boolean NOT NULL DEFAULT false;

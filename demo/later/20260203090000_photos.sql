-- migrate:up
ALTER TABLE products ADD COLUMN photo_url text;

-- migrate:down
ALTER TABLE products DROP COLUMN photo_url;

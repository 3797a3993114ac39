-- The stable code of the error whose words are in `reason`: what is told in public goes by it.
ALTER TABLE databases ADD COLUMN reason_code text;

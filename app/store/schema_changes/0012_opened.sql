-- When a person opened it although it is past the size that its instance allows.
ALTER TABLE databases ADD COLUMN opened_at timestamptz;

-- Names of the settings that a run left on its database's roles and that are not kept.
ALTER TABLE migrations ADD COLUMN settings_taken_back text[] NOT NULL DEFAULT '{}';

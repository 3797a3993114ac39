-- Templates, which databases are cloned from: one that nobody enters any more is closed as `sealed`.
ALTER TABLE databases DROP CONSTRAINT databases_environment_check;
ALTER TABLE databases ADD CHECK (environment IN
    ('production', 'branch', 'preview', 'dev', 'dev-shadow', 'template'));
ALTER TABLE databases DROP CONSTRAINT databases_closed_because_check;
ALTER TABLE databases ADD CHECK (closed_because IN
    ('by-hand', 'branch-deleted', 'became-default', 'access-ended', 'sealed', 'failed'));
ALTER TABLE databases ADD COLUMN cloned_from bigint REFERENCES databases;

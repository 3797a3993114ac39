-- Why a deleted database was closed: that decides how it comes back. Of those that are closed
-- already it is known only whether a person did it; descent decides about the others, as before.
ALTER TABLE databases ADD COLUMN closed_because text CHECK (closed_because IN
    ('by-hand', 'branch-deleted', 'became-default', 'access-ended'));
UPDATE databases
SET closed_because = CASE WHEN is_deleted_by_hand THEN 'by-hand' ELSE 'branch-deleted' END
WHERE state = 'deleted';
ALTER TABLE databases DROP COLUMN is_deleted_by_hand;

-- Whether it was ready since it was begun or emptied: then what is missing was lost, and is not made
-- anew without anybody's knowing.
ALTER TABLE databases ADD COLUMN is_made boolean NOT NULL DEFAULT false;
UPDATE databases SET is_made = ready_at IS NOT NULL AND NOT is_emptying
WHERE state IN ('ready', 'error', 'deleted');

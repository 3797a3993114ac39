"""The longer statements about databases in the state database."""

from typing import LiteralString

INTEND: LiteralString = """
    INSERT INTO databases (app_id, instance_id, environment, branch, name, owner_role, login_role,
        marker, state)
    VALUES (%(app_id)s, %(instance_id)s, %(environment)s, %(branch)s, %(name)s, %(owner_role)s,
        %(login_role)s, %(marker)s, 'creating')
    RETURNING *
"""

CHANGE: LiteralString = """
    UPDATE databases SET state = %(state)s, reason = %(reason)s, reason_code = %(code)s,
        drop_after = NULL, closed_because = NULL, is_unwanted = false,
        is_frozen = is_frozen AND %(state)s = 'error',
        opened_at = CASE WHEN is_frozen AND %(state)s <> 'error' THEN now() ELSE opened_at END,
        ready_at = CASE WHEN %(state)s = 'ready' THEN now() ELSE ready_at END,
        missing_since = CASE WHEN %(state)s = 'ready' THEN NULL ELSE missing_since END,
        is_made = CASE %(state)s WHEN 'ready' THEN true WHEN 'gone' THEN false ELSE is_made END,
        is_live = is_live AND %(state)s <> 'gone',
        password = CASE WHEN %(state)s = 'gone' THEN NULL ELSE password END
    WHERE id = %(id)s
"""
HELD: LiteralString = " AND fence = %(fence)s"

# Milliseconds, so that it is past every fence that was given out before an older backup of the
# state database was put back.
TAKE_LOCK: LiteralString = """
    UPDATE databases
    SET fence = greatest(fence + 1, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
    WHERE id = %s RETURNING *
"""

DELETE: LiteralString = """
    UPDATE databases SET state = 'deleted', reason = NULL, reason_code = NULL,
        drop_after = %(drop_after)s, closed_because = %(because)s, is_emptying = false,
        is_unwanted = is_unwanted AND state = 'deleted',
        missing_since = CASE WHEN %(because)s <> 'became-default' THEN missing_since END
    WHERE id = %(id)s
"""

# What was lost begins again as what it is: empty, and of a generation of its own.
GIVE_UP_LOST: LiteralString = """
    UPDATE databases SET is_made = false, generation = generation + 1,
        marker = left(marker, 24) || lpad(to_hex(generation + 1), 8, '0'),
        migrated_sha = NULL, migrated_at = NULL
    WHERE id = %s AND state = 'error' AND reason_code = 'database_missing'
"""

# What waits for a person waits, whatever was read of it a moment before.
MAY_SET_UP: LiteralString = """
    AND state NOT IN ('deleted', 'gone') AND (%(for_person)s OR state <> 'error'
        OR NOT is_frozen AND NOT (is_made AND reason_code = ANY(%(lost)s)) IS TRUE)
"""

MARK_UNWANTED: LiteralString = """
    UPDATE databases SET is_unwanted = true WHERE id = %s AND state = 'deleted'
"""

START_AFRESH: LiteralString = """
    UPDATE databases SET state = 'creating', reason = NULL, reason_code = NULL,
        is_emptying = true, is_frozen = false, generation = generation + 1,
        marker = left(marker, 24) || lpad(to_hex(generation + 1), 8, '0'),
        migrated_sha = NULL, migrated_at = NULL
    WHERE id = %(id)s AND generation = %(generation)s AND state NOT IN ('deleted', 'gone')
        AND (%(is_held)s OR NOT EXISTS (SELECT FROM leases WHERE database_id = %(id)s))
"""

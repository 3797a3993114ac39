"""What a worker asks of a tenant's server only while the database's lock is its own.

That lock is a session of the state database. When the session dies, its holder does not notice, and
may be at any statement: paused, or waiting for somebody slow. So each taking of the lock has a
number, the fence, and the server remembers the highest that it has seen, in the comment of the role
that owns the database (nobody but the service may change it). Whatever changes something is sent
together with the comparison, as one transaction.
"""

from collections.abc import Iterable

from psycopg.sql import SQL, Composed, Identifier, Literal

from app.core.databases import TenantDatabase
from app.postgres import statements
from app.postgres.failures import OUTRUN

# The GRANT changes nothing. It locks the role against whoever does the same, until the end of the
# transaction, so that nobody comes between the comparison and what follows it.
# https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/commands/user.c (AddRoleMems)
_COMPARE = SQL(
    """
DO $fence$ BEGIN
    IF (SELECT substring(shobj_description(oid, 'pg_authid') FROM '^coppice ([0-9]+)$')::numeric
            > {fence}
        FROM pg_roles WHERE rolname = {owner})
    THEN RAISE EXCEPTION USING ERRCODE = {outrun}, MESSAGE = 'another worker was here since';
    END IF;
END $fence$"""
)
_SAME = SQL(
    """
DO $fence$ BEGIN
    IF NOT EXISTS (SELECT FROM pg_database WHERE datname = {name} AND oid = {oid}
        AND shobj_description(oid, 'pg_database') IS NOT DISTINCT FROM {marker})
    THEN RAISE EXCEPTION USING ERRCODE = {outrun}, MESSAGE = 'this is another database';
    END IF;
END $fence$"""
)


def fenced(database: TenantDatabase, changes: Iterable[Composed]) -> Composed:
    """These statements as one transaction, in one round trip, refused to an earlier holder.

    The owner's role must be there. In a transaction that is open already they hold until its end.
    """
    fence, owner = Literal(database.fence), database.owner_role
    compare = _COMPARE.format(fence=fence, owner=Literal(owner), outrun=Literal(OUTRUN))
    keep = SQL("COMMENT ON ROLE {} IS {}").format(
        Identifier(owner), Literal(f"coppice {database.fence}")
    )
    return statements.together([statements.act_for(owner), compare, keep, *changes])


def is_still(name: str, *, oid: int, marker: str | None) -> Composed:
    """A statement that fails unless the database of this name is the one that was looked at."""
    return _SAME.format(
        name=Literal(name), oid=Literal(oid), marker=Literal(marker), outrun=Literal(OUTRUN)
    )

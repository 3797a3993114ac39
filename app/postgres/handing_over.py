"""What an ended job owns itself goes to who owns what is inside, as far as that is possible.

Done as the job's role: it may do this, and nothing is done with more rights. Nobody can be that
role any more, so what cannot be handed over is in nobody's hands until it can.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors
from psycopg.sql import Composed

from app.core.databases import TenantDatabase
from app.core.identifiers import RoleName
from app.postgres import statements
from app.postgres.access import Access
from app.postgres.fencing import fenced
from app.postgres.sessions import Session

_PATIENCE_SECONDS = 3.0
# A deployed application may use what the job made; waiting longer would hold up its queries too.
_LOCK_WAIT = "200ms"
# Each needs locks, and PostgreSQL has room for some thousands of all its sessions.
_AT_ONCE = 300

_COUNT = """
SELECT count(*) FROM pg_shdepend
WHERE deptype = 'o' AND refclassid = 'pg_authid'::regclass
  AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = %(role)s)
  AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""
# Schemas first: what is inside may only go to a role that may create there. A sequence that
# belongs to a column goes with its table.
_BATCH = """
SELECT place, format(
  'ALTER %%s %%s OWNER TO %%I',
  CASE type WHEN 'statistics object' THEN 'STATISTICS' ELSE upper(type) END, identity, %(to)s::text
)
FROM (
  SELECT classid, objid, place FROM pg_shdepend AS owned, LATERAL (
    SELECT ARRAY[(classid <> 'pg_namespace'::regclass)::int::bigint, classid::bigint, objid::bigint]
  ) AS position (place)
  WHERE deptype = 'o' AND refclassid = 'pg_authid'::regclass
    AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = %(role)s)
    AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
    AND NOT EXISTS (
      SELECT FROM pg_depend WHERE pg_depend.classid = owned.classid
        AND pg_depend.objid = owned.objid AND pg_depend.refclassid = 'pg_class'::regclass
        AND pg_depend.refobjsubid > 0 AND pg_depend.deptype IN ('a', 'i')
    )
    AND place > %(after)s::bigint[]
  ORDER BY place LIMIT %(most)s
) AS batch, pg_identify_object(classid, objid, 0)
ORDER BY place
"""


def hand_over(
    access: Access, session: Session, database: TenantDatabase, role: RoleName
) -> str | None:
    """Give it all away in this database; returns why something stays, in PostgreSQL's words.

    Takes a few seconds at most, however much there is.
    """
    to = database.inner_owner
    with _armed(session, database, role), access.inside(database.name) as inside:
        return _given_away(inside, role, to=to, is_last=True)


def take_from_login(
    access: Access, database: TenantDatabase, *, is_last: bool = False
) -> str | None:
    """The same with what the long-lived login owns itself, which keeps its rights and goes on.

    `is_last`: it does not go on, and nothing inside is to name it.
    """
    login = database.login_role
    with access.inside(database.name) as inside:
        return _given_away(inside, login, to=database.inner_owner, is_last=is_last)


def drop_role(session: Session, database: TenantDatabase, role: RoleName) -> None:
    """Drop it unless something refers to it, in this database or another.

    Whoever has a database on the server can grant the role something there: no tenant may keep
    another's job from ending.
    """
    wait = statements.set_locally("lock_timeout", _LOCK_WAIT)
    try:
        drop = fenced(database, [statements.drop_role(role)])
        session.execute(statements.together([wait, drop]))
    except (errors.DependentObjectsStillExist, errors.LockNotAvailable):
        return


@contextmanager
def _armed(session: Session, database: TenantDatabase, role: RoleName) -> Iterator[None]:
    """Lend the role the rights that it needs to give things away."""
    login = database.login_role
    lend = [statements.become(role), statements.arm(role, with_rights_of=login)]
    session.execute(fenced(database, lend))
    try:
        yield
    finally:
        session.execute(fenced(database, [statements.disarm(role, of_rights_of=login)]))


def _given_away(session: Session, role: RoleName, *, to: RoleName, is_last: bool) -> str | None:
    session.execute(statements.together(_as(role)))
    if _all_together(session, role, to=to, is_last=is_last) is None:
        return None
    problem = _piece_by_piece(session, role, to=to)
    # What has no owner of its own, and what can only be given away so.
    return _all_together(session, role, to=to, is_last=is_last) and problem


def _as(role: RoleName) -> list[Composed]:
    return [
        statements.set_for_session("lock_timeout", _LOCK_WAIT),
        statements.set_for_session("statement_timeout", f"{_PATIENCE_SECONDS}s"),
        statements.set_role(role),
    ]


def _all_together(session: Session, role: RoleName, *, to: RoleName, is_last: bool) -> str | None:
    """In one transaction; returns what keeps that from being done.

    `is_last`: nothing of the role is to stay, its rights included.
    """
    rows = session.execute(_COUNT, {"role": role}).fetchall()
    if rows[0][0] > _AT_ONCE:
        return "It is too much for one transaction."
    schemas = session.execute(
        "SELECT nspname::text FROM pg_namespace WHERE pg_get_userbyid(nspowner) = %s", [role]
    ).fetchall()
    gifts = [statements.give_schema(schema, to=to) for (schema,) in schemas]
    rest = statements.hand_over(role, to=to) if is_last else statements.give_all(role, to=to)
    return _try(session, statements.together([*gifts, rest]))


def _piece_by_piece(session: Session, role: RoleName, *, to: RoleName) -> str | None:
    """In as many transactions as it takes; returns the last problem, None if there was none."""
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    problem = None
    for batch in _batches(session, role, to=to):
        if _try(session, ";\n".join(batch).encode()) is None:
            batch = []
        for statement in batch:
            if time.monotonic() > give_up_at:
                break
            problem = _try(session, statement.encode()) or problem
        if time.monotonic() > give_up_at:
            return problem or "It is too much for one go."
    return problem


def _batches(session: Session, role: RoleName, *, to: RoleName) -> Iterator[list[str]]:
    """Statements, made by PostgreSQL, that give things away one by one."""
    after = [0, 0, 0]
    while True:
        rows = session.execute(
            _BATCH, {"role": role, "to": to, "after": after, "most": _AT_ONCE}
        ).fetchall()
        if not rows:
            return
        after = rows[-1][0]
        yield [statement for _, statement in rows]


def _try(session: Session, statement: Composed | bytes) -> str | None:
    """Run it; returns in PostgreSQL's words why it failed. Raises when the session is lost."""
    try:
        session.execute(statement)
    except psycopg.Error as error:
        if session.closed:
            raise
        return error.diag.message_primary or type(error).__name__
    return None

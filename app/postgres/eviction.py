"""Shutting roles out of a server, and altering roles that a session holds locked.

A session that alters its own role and does not commit keeps everybody else from altering it, also
from taking its LOGIN away. Nothing keeps the service from ending that session, once it has given
itself the rights of the role: granting them does not touch what the session holds.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg
from psycopg import DataError, ProgrammingError, errors
from psycopg.sql import Composed

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed, ServerBusy
from app.core.identifiers import DatabaseName, RoleName
from app.postgres import catalog, statements
from app.postgres.failures import Overtaken
from app.postgres.fencing import fenced
from app.postgres.sessions import Session

_PATIENCE_SECONDS = 5.0
_LOCK_WAIT = "200ms"
# A session that is not drawn out begins within milliseconds; where others are, they are given time.
_BEGINNING_SECONDS = 0.5
_BEGINNING_ELSEWHERE_SECONDS = 3.0
_PAUSE_SECONDS = 0.01

# Whoever updated the row last stands in it, and holds the lock of that transaction until its end.
_HOLDERS = """
SELECT usename::text, pid FROM pg_stat_activity JOIN pg_locks USING (pid)
JOIN pg_database ON pg_database.xmax = transactionid
WHERE pg_database.datname = %(database)s AND locktype = 'transactionid' AND granted
  AND starts_with(usename::text, split_part(%(owner)s, '-', 1) || '-')
  AND pg_has_role(usename, %(owner)s, 'MEMBER')
"""


def shut_out(session: Session, database: TenantDatabase, roles: Sequence[RoleName]) -> None:
    """Let none of these logins of a database in any more, and end all their sessions.

    On the whole server, and also those that were let in already and are still beginning: PostgreSQL
    tells nobody whose these are, and a client may draw that out for half an hour
    (`post_auth_delay`).

    Raises:
        ServerBusy: Somebody is still there after five seconds.
    """
    if not roles:
        return
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    change = [statements.forbid_login(role) for role in roles]
    others = _others_that_alter(session, database, roles)
    ending = [statements.end_sessions(roles), statements.end_sessions_that_alter_roles(others)]
    with _rights_of(session, [*roles, *others]):
        _insist(session, database, [*ending, *change], give_up_at=give_up_at)
        beginning = _beginning(session, roles, database=database.name)
        _end_begun(session, roles, give_up_at=give_up_at)
        if beginning:
            _end_beginning(session, beginning, give_up_at=give_up_at)
            _end_begun(session, roles, give_up_at=give_up_at)


def alter_logins(session: Session, database: TenantDatabase, change: Sequence[Composed]) -> None:
    """Alter logins of a database; a session that has done so and not committed is ended.

    Raises:
        ServerBusy: Somebody holds them locked after five seconds.
    """
    try:
        session.execute(in_short(database, change))
    except _HELD:
        give_up_at = time.monotonic() + _PATIENCE_SECONDS
        logins = catalog.logins(session, database)
        ending = statements.end_sessions_that_alter_roles(logins)
        with overtaken_if_gone(session, logins), _rights_of(session, logins):
            _insist(session, database, [ending, *change], give_up_at=give_up_at)


def change_row(session: Session, database: TenantDatabase, change: Callable[[], object]) -> None:
    """Change the row of a database; a tenant's session that has done so and not committed is ended.

    A GRANT of what one may not give changes nothing, but updates the row: its own logins can do
    that, and those of all databases of its app, which have its data role.

    Args:
        change: One transaction that waits for no lock longer than a moment: see `in_short`.

    Raises:
        ServerBusy: Somebody holds the row after five seconds.
    """
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while True:
        try:
            change()
        except _HELD as error:
            _check_patience(give_up_at, error)
            _end_holders(session, database)
        else:
            return


def _end_holders(session: Session, database: TenantDatabase) -> None:
    names = {"database": database.name, "owner": database.inner_owner}
    rows = session.execute(_HOLDERS, names).fetchall()
    roles = [RoleName(role) for role, _ in rows]
    with overtaken_if_gone(session, roles), _rights_of(session, roles):
        for _, pid in rows:
            session.execute("SELECT pg_terminate_backend(%s)", [pid])


@contextmanager
def overtaken_if_gone(session: Session, roles: Sequence[RoleName]) -> Iterator[None]:
    """Raise Overtaken for what fails because one of the roles was dropped: a job's login ended.

    Another worker ended it meanwhile, or a killed one's last statement did. What PostgreSQL says
    then depends on the statement: no such role, or permission denied.
    """
    try:
        yield
    except (ProgrammingError, DataError, ProvisioningFailed) as error:
        gone = set(roles) - catalog.existing_roles(session, roles)
        if not gone:
            raise
        names = ", ".join(sorted(gone))
        raise Overtaken(f"Dropped at the same moment: {names}.") from error


# What PostgreSQL says of a row that somebody else has altered: and not committed, or just now.
_HELD = (errors.LockNotAvailable, errors.DeadlockDetected, errors.InternalError_)


def _insist(
    session: Session, database: TenantDatabase, change: Sequence[Composed], *, give_up_at: float
) -> None:
    """End sessions and change what they held, in one request.

    Who comes back at once is slower than PostgreSQL on its way to the next statement; and once
    that waits it is the next in line, before all who try the same.
    """
    request = in_short(database, change)
    while True:
        try:
            session.execute(request)
        except _HELD as error:
            _check_patience(give_up_at, error)
        else:
            return


def _others_that_alter(
    session: Session, database: TenantDatabase, roles: Sequence[RoleName]
) -> list[RoleName]:
    """Jobs' logins that may alter the long-lived one, where that is among the roles."""
    if database.login_role not in roles:
        return []
    return [role for role in catalog.logins(session, database) if role not in roles]


def in_short(database: TenantDatabase, change: Sequence[Composed]) -> Composed:
    """One transaction that waits for no lock longer than a moment."""
    wait = statements.set_locally("lock_timeout", _LOCK_WAIT)
    return statements.together([wait, fenced(database, change)])


def _end_begun(session: Session, roles: Sequence[RoleName], *, give_up_at: float) -> None:
    while session.execute(statements.end_sessions(roles)).rowcount:
        _check_patience(give_up_at)
        time.sleep(_PAUSE_SECONDS)


def _end_beginning(session: Session, hurry_at: dict[int, float], *, give_up_at: float) -> None:
    """Wait until these have begun, and end those that take their time.

    One of another role that is only slow is ended too, and connects again.
    """
    while hurry_at:
        now = time.monotonic()
        late = {pid for pid, at in hurry_at.items() if now > at}
        if late:
            _check_patience(give_up_at)
        not_meant = {pid for pid in late if not _may_end(session, pid)}
        there = _still_beginning(session, list(hurry_at)) - not_meant
        hurry_at = {pid: at for pid, at in hurry_at.items() if pid in there}
        time.sleep(_PAUSE_SECONDS)


def _may_end(session: Session, pid: int) -> bool:
    """End a session; False for one of a role that the service has no rights of: it is not meant."""
    try:
        session.execute("SELECT pg_terminate_backend(%s)", [pid])
    except errors.InsufficientPrivilege:
        return False
    return True


@contextmanager
def _rights_of(session: Session, roles: Sequence[RoleName]) -> Iterator[None]:
    """Ending a session takes the rights of its role, unless the service may signal all others."""
    if _may_signal(session):
        yield
        return
    session.execute(statements.together([statements.act_for(role) for role in roles]))
    try:
        yield
    finally:
        session.execute(statements.together([statements.become(role) for role in roles]))


def _check_patience(give_up_at: float, error: psycopg.Error | None = None) -> None:
    if time.monotonic() <= give_up_at:
        return
    if isinstance(error, errors.InternalError_):
        # From a rival it comes once; Neon says so of all that its control plane refuses.
        raise ServerBusy(f"PostgreSQL says: {error.diag.message_primary}") from error
    raise ServerBusy("Ending its sessions: some do not end.")


def _beginning(
    session: Session, roles: Sequence[RoleName], *, database: DatabaseName
) -> dict[int, float]:
    """Sessions that were let in and do not show whose they are, and from when they take too long.

    They lock their database. Also looked for in others to which one of the roles may connect: from
    there, too, it alters itself.
    """
    rows = session.execute(
        "SELECT pid, datname = %(own)s FROM pg_locks JOIN pg_database ON pg_database.oid = objid"
        " WHERE locktype = 'object' AND classid = 'pg_database'::regclass"
        " AND (datname = %(own)s OR EXISTS (SELECT FROM unnest(%(roles)s::text[]) AS role"
        "   WHERE has_database_privilege(role, pg_database.oid, 'CONNECT')))"
        " AND pid NOT IN (SELECT pid FROM pg_stat_activity WHERE usename IS NOT NULL)",
        {"own": database, "roles": list(roles)},
    )
    now = time.monotonic()
    patience = {True: _BEGINNING_SECONDS, False: _BEGINNING_ELSEWHERE_SECONDS}
    return {pid: now + patience[is_own] for pid, is_own in rows}


def _still_beginning(session: Session, pids: Sequence[int]) -> set[int]:
    rows = session.execute(
        "SELECT pid FROM pg_locks"
        " WHERE pid = ANY(%s) AND locktype = 'object' AND classid = 'pg_database'::regclass"
        " AND pid NOT IN (SELECT pid FROM pg_stat_activity WHERE usename IS NOT NULL)",
        [list(pids)],
    )
    return {pid for (pid,) in rows}


def _may_signal(session: Session) -> bool:
    row = session.execute("SELECT pg_has_role('pg_signal_backend', 'USAGE')").fetchone()
    return row is not None and bool(row[0])

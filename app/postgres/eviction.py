"""Ending the sessions of roles that may no longer log in."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from psycopg import DataError, ProgrammingError, errors

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.identifiers import DatabaseName, RoleName
from app.postgres import catalog, statements
from app.postgres.failures import Overtaken, ServerBusy
from app.postgres.fencing import fenced
from app.postgres.sessions import Session

_PATIENCE_SECONDS = 10.0
_END_MILLISECONDS = 3_000
# A session that is not drawn out begins within milliseconds.
_BEGINNING_SECONDS = 0.5
_PAUSE_SECONDS = 0.01


def forbid_logins(session: Session, roles: Sequence[RoleName], *, of: TenantDatabase) -> None:
    if roles:
        session.execute(fenced(of, [statements.forbid_login(role) for role in roles]))


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


def end_sessions(session: Session, roles: Sequence[RoleName], *, database: DatabaseName) -> None:
    """End every session of these roles and wait until they are gone.

    To be called once they can open no more with what they know. Also ends those that were let in
    already and are still beginning in this database: PostgreSQL tells nobody whose these are, and a
    client may draw its beginning out for half an hour (`post_auth_delay`).

    Raises:
        ServerBusy: Some are still there after ten seconds.
    """
    beginning = _beginning_in(session, database)
    _end_begun(session, roles)
    if beginning:
        _end_beginning(session, beginning, roles, database=database)
        _end_begun(session, roles)


def _end_begun(session: Session, roles: Sequence[RoleName]) -> None:
    give_up_at = time.monotonic() + _PATIENCE_SECONDS
    while pids := _sessions_of(session, roles):
        _check_patience(give_up_at)
        with _rights_of(session, roles):
            session.execute(
                "SELECT pg_terminate_backend(pid, %s) FROM unnest(%s::int[]) AS pid",
                [_END_MILLISECONDS, pids],
            )


def _end_beginning(
    session: Session, pids: set[int], roles: Sequence[RoleName], *, database: DatabaseName
) -> None:
    """Wait until these have begun, and end those that take their time.

    One of another role that is only slow is ended too, and connects again.
    """
    hurry_at = time.monotonic() + _BEGINNING_SECONDS
    give_up_at = hurry_at + _PATIENCE_SECONDS
    while pids := pids & _beginning_in(session, database):
        if time.monotonic() > hurry_at:
            _check_patience(give_up_at)
            with _rights_of(session, roles):
                pids = {pid for pid in pids if _may_end(session, pid)}
        time.sleep(_PAUSE_SECONDS)


def _may_end(session: Session, pid: int) -> bool:
    """End a session; False for one of a role that the service has no rights of: it is not meant."""
    try:
        session.execute("SELECT pg_terminate_backend(%s, %s)", [pid, _END_MILLISECONDS])
    except errors.InsufficientPrivilege:
        return False
    return True


@contextmanager
def _rights_of(session: Session, roles: Sequence[RoleName]) -> Iterator[None]:
    """Ending a session takes the rights of its role, unless the service may signal all others."""
    if not _may_signal(session):
        session.execute(statements.together([statements.act_for(role) for role in roles]))
    yield
    session.execute(statements.together([statements.become(role) for role in roles]))


def _check_patience(give_up_at: float) -> None:
    if time.monotonic() > give_up_at:
        raise ServerBusy("Ending its sessions: some do not end.")


def _sessions_of(session: Session, roles: Sequence[RoleName]) -> list[int]:
    # Of other roles' sessions only this much is shown: not, for instance, what kind they are.
    rows = session.execute(
        "SELECT pid FROM pg_stat_activity WHERE usename = ANY(%s)", [list(roles)]
    )
    return [pid for (pid,) in rows]


def _beginning_in(session: Session, database: DatabaseName) -> set[int]:
    """Sessions that were let in and do not show whose they are: they lock their database."""
    rows = session.execute(
        "SELECT pid FROM pg_locks WHERE locktype = 'object' AND classid = 'pg_database'::regclass"
        " AND objid = (SELECT oid FROM pg_database WHERE datname = %s)"
        " AND pid NOT IN (SELECT pid FROM pg_stat_activity WHERE usename IS NOT NULL)",
        [database],
    )
    return {pid for (pid,) in rows}


def _may_signal(session: Session) -> bool:
    row = session.execute("SELECT pg_has_role('pg_signal_backend', 'USAGE')").fetchone()
    return row is not None and bool(row[0])

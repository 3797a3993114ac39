"""Ending the sessions of roles that may no longer log in."""

import time
from collections.abc import Sequence

from app.core.identifiers import RoleName
from app.postgres import statements
from app.postgres.failures import ServerBusy
from app.postgres.sessions import Session

_PATIENCE_SECONDS = 10.0
_END_MILLISECONDS = 3_000


def forbid_logins(session: Session, roles: Sequence[RoleName]) -> None:
    if roles:
        session.execute(statements.together([statements.forbid_login(role) for role in roles]))


def end_sessions(session: Session, roles: Sequence[RoleName]) -> None:
    """End every session of these roles and wait until they are gone.

    To be called once they can open no more. A role that cannot signal all others may end the
    sessions of a role whose rights it has, so the service takes these for the moment.

    Raises:
        ServerBusy: Some are still there after ten seconds.
    """
    deadline = time.monotonic() + _PATIENCE_SECONDS
    while pids := _sessions_of(session, roles):
        if time.monotonic() > deadline:
            raise ServerBusy("Ending its sessions: some do not end.")
        _end(session, pids, roles)


def end_present_sessions(session: Session, role: RoleName) -> None:
    """End the sessions that a role has now; it may open others at once."""
    if pids := _sessions_of(session, [role]):
        _end(session, pids, [role])


def _end(session: Session, pids: Sequence[int], roles: Sequence[RoleName]) -> None:
    if not _may_signal(session):
        session.execute(statements.together([statements.act_for(role) for role in roles]))
    session.execute(
        "SELECT pg_terminate_backend(pid, %s) FROM unnest(%s::int[]) AS pid",
        [_END_MILLISECONDS, list(pids)],
    )
    session.execute(statements.together([statements.become(role) for role in roles]))


def _sessions_of(session: Session, roles: Sequence[RoleName]) -> list[int]:
    # Of other roles' sessions only this much is shown: not, for instance, what kind they are.
    rows = session.execute(
        "SELECT pid FROM pg_stat_activity WHERE usename = ANY(%s)", [list(roles)]
    )
    return [pid for (pid,) in rows]


def _may_signal(session: Session) -> bool:
    row = session.execute("SELECT pg_has_role('pg_signal_backend', 'USAGE')").fetchone()
    return row is not None and bool(row[0])

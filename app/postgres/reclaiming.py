"""Taking the long-lived login back from a job, which acts as it and may give it another password.

PostgreSQL reads a password when a client begins to prove that it knows it, and looks whether the
role may log in when that is done, a minute later if the client likes (`authentication_timeout`). So
who knows a planted password may come in after the login was taken back, and plant it again. A
session shows when its client began: those that began too early are ended until that time is over.
Where the password was planted again meanwhile, the login stays shut for as long. Since when stands
in the comment of its role, which nobody but the service may change.
"""

import time
from dataclasses import dataclass

from psycopg.sql import Composed

from app.core.databases import TenantDatabase
from app.core.errors import CoppiceError, ProvisioningFailed
from app.core.identifiers import RoleName
from app.core.standing import Fault
from app.postgres import catalog, statements
from app.postgres.access import Access
from app.postgres.eviction import alter_logins, shut_out
from app.postgres.failures import LoginRefused
from app.postgres.fencing import fenced
from app.postgres.logins import check_marker, let_in
from app.postgres.passwords import given
from app.postgres.refusals import is_password_taken
from app.postgres.sessions import Session

# Most clients have proved what they know by then, and are refused.
_PAUSE_SECONDS = 1.0
_MARGIN_SECONDS = 5
_OTHER_MARK = {Fault.UNMARKED, "wrong_database"}
_LET_IN = "coppice let in"
_SHUT = catalog.SHUT_FOR_A_WHILE

_READ = """
SELECT mark, extract(epoch FROM clock_timestamp())::float8,
  (SELECT setting::int FROM pg_settings WHERE name = 'authentication_timeout')
FROM pg_roles, shobj_description(oid, 'pg_authid') AS mark WHERE rolname = %s
"""
_END_EARLY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE usename = %s AND backend_start < to_timestamp(%s)
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Mark:
    """What the login's comment says of an earlier call."""

    since: float | None
    """When it was let in, or shut, in the server's seconds; None: it was not taken back so far."""
    is_shut: bool
    is_over: bool
    """Nobody can come in any more who began before."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TakenBack:
    """How far it got."""

    is_over: bool
    """False: it is to be called again until nobody can come in any more who began before."""
    settings: tuple[str, ...] = ()
    """Names of the settings that the roles do not keep."""


def reclaim(
    access: Access,
    database: TenantDatabase,
    *,
    password: str,
    job: RoleName | None = None,
) -> TakenBack:
    """Undo what a job may have done to the login; end its sessions if it had another password.

    A job cannot put the right password back, for it does not know it. What deployed applications
    have open ends with the rest in that case: nobody can tell them apart. Harmless settings of the
    job's own role go to the login.

    A database that lost its mark keeps no job inside: that is raised when all is done. If it is
    gone, or another's, its login is shut out.
    """
    with (
        access.session("Taking its login back") as session,
        given(session, database.login_role, password, in_plain=access.has_plain_passwords) as ours,
    ):
        lost = _loss(session, database)
        if lost is not None and lost.code != Fault.UNMARKED:
            shut_out(session, database, [database.login_role])
            raise lost
        mark = _read(session, database)
        settings: tuple[str, ...] = ()
        # Before anything is asked over the login: a job's settings could keep that from working.
        if not mark.is_shut:
            settings = let_in(session, database, after_job=job)
            if _is_password(access, database, password):
                is_over = _look_again(session, database, mark, ours=ours)
                if is_over and lost is not None:
                    raise lost
                return TakenBack(is_over=is_over, settings=settings)
            # First, so that the next one knows should we die in between.
            mark = _write(session, database, _LET_IN if mark.since is None else _SHUT)
        _put_back(session, database, mark, ours=ours)
        return TakenBack(is_over=False, settings=settings)


def _loss(session: Session, database: TenantDatabase) -> ProvisioningFailed | None:
    try:
        catalog.need_our_database(session, database)
    except ProvisioningFailed as error:
        return error
    return None


def _put_back(session: Session, database: TenantDatabase, mark: _Mark, *, ours: Composed) -> None:
    """The password is a job's: end all sessions, and put ours back."""
    shut_out(session, database, [database.login_role])
    alter_logins(session, database, [ours])
    if not mark.is_shut:
        time.sleep(_PAUSE_SECONDS)
    if mark.is_over or not mark.is_shut:
        _write(session, database, _LET_IN)
        let_in(session, database)


def _look_again(session: Session, database: TenantDatabase, mark: _Mark, *, ours: Composed) -> bool:
    """The password is ours; end those who began to come in before it was. True: that is over."""
    if mark.since is not None:
        login = database.login_role
        session.execute(fenced(database, [statements.act_for(login)]))  # to see when they began
        session.execute(_END_EARLY, [login, mark.since])
        session.execute(statements.become(login))
        if not mark.is_over:
            return False
        _comment(session, database, None)
    alter_logins(session, database, [ours])
    return True


def _read(session: Session, database: TenantDatabase) -> _Mark:
    row = session.execute(_READ, [database.login_role]).fetchone()
    text, now, limit = row if row is not None else (None, 0.0, 0)
    kind, _, since = (text or "").rpartition(" ")
    if kind not in (_LET_IN, _SHUT):
        return _Mark(since=None, is_shut=False, is_over=True)
    is_over = now - float(since) > limit + _MARGIN_SECONDS
    return _Mark(since=float(since), is_shut=kind == _SHUT, is_over=is_over)


def _write(session: Session, database: TenantDatabase, kind: str) -> _Mark:
    """Remember this, with the present time."""
    [(now,)] = session.execute("SELECT extract(epoch FROM clock_timestamp())::float8").fetchall()
    _comment(session, database, f"{kind} {now:.6f}")
    return _Mark(since=now, is_shut=kind == _SHUT, is_over=False)


def _comment(session: Session, database: TenantDatabase, text: str | None) -> None:
    session.execute(fenced(database, [statements.comment_on_role(database.login_role, text)]))


def _is_password(access: Access, database: TenantDatabase, password: str) -> bool:
    """Whether PostgreSQL takes this password for the long-lived login."""
    try:
        check_marker(access, database, password=password)
    except CoppiceError as error:
        # An application may have all its sessions, which is counted after the password; and what
        # the database carries for a mark is told elsewhere.
        if is_password_taken(error) or error.code in _OTHER_MARK:
            return True
        if isinstance(error, LoginRefused):
            return False
        raise
    return True

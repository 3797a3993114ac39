"""How the service gets at one server: sessions that are kept, and sessions for one purpose."""

import os
import socket
import time
import weakref
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from threading import Event, Timer

import psycopg
from psycopg.pq import TransactionStatus

from app import patience
from app.core.databases import TenantDatabase
from app.core.errors import CoppiceError
from app.core.identifiers import DatabaseName, RoleName
from app.core.instances import Address, AdminLogin
from app.postgres.failures import LoginInUse, OutOfConnections, explained
from app.postgres.refusals import is_password_taken
from app.postgres.sessions import Login, Session, admin_login, open_session

_KEPT_SESSIONS = 2
# A session that was in use so recently is taken to work still: asking would be one more round trip
# in each step of an operation.
_TRUSTED_SECONDS = 1.0

# The server has one code for this and for having no room itself.
_IS_AT_ITS_LIMIT = """
SELECT (rolconnlimit >= 0 AND rolconnlimit <=
         (SELECT count(*) FROM pg_stat_activity WHERE usesysid = pg_roles.oid))
    OR (datconnlimit >= 0 AND datconnlimit <=
         (SELECT count(*) FROM pg_stat_activity WHERE datid = pg_database.oid))
FROM pg_roles, pg_database WHERE rolname = %s AND datname = %s
"""

_Idle = deque[tuple[Session, float]]
"""Sessions with the time of the monotonic clock at which each was put back."""


class Access:
    """Sessions on one server. Safe to use from several threads; after a fork it starts anew."""

    def __init__(self, admin: AdminLogin, *, has_plain_passwords: bool = False) -> None:
        self.admin = admin
        self.has_plain_passwords = has_plain_passwords
        self._idle: _Idle = deque()
        # Those of requests that somebody waits for: their statements have less time.
        self._hurried: _Idle = deque()
        self._pid = os.getpid()
        self._close_at_the_end()

    @contextmanager
    def session(self, doing: str) -> Iterator[Session]:
        """A session of the service in the maintenance database, kept for the next user.

        Raises what `explained` makes of statements that fail; `doing` begins the message.
        """
        with explained(doing), patience.spent("Asking PostgreSQL"):
            session = self._take() or open_session(admin_login(self.admin))
            try:
                with in_time(session):
                    yield session
            finally:
                self._put_back(session)

    @contextmanager
    def inside(self, database: DatabaseName) -> Iterator[Session]:
        """A session of the service in a tenant's database; closed at the end.

        For catalogs and grants only: reading a tenant's own objects would run the tenant's code
        as the service.
        """
        with (
            patience.spent("Asking PostgreSQL"),
            open_session(admin_login(self.admin, database=database)) as session,
            in_time(session),
        ):
            yield session

    @contextmanager
    def as_tenant(
        self,
        database: TenantDatabase,
        *,
        role: RoleName,
        password: str,
        address: Address | None = None,
    ) -> Iterator[Session]:
        """A session of a tenant's login, with the settings that the tenant would get."""
        login = Login(
            address=address or self.admin.address,
            user=role,
            password=password,
            database=database.name,
        )
        with (
            patience.spent("Asking PostgreSQL"),
            self._open_tenants(login) as session,
            in_time(session),
        ):
            yield session

    def close(self) -> None:
        _close_all(self._idle, self._pid)
        _close_all(self._hurried, self._pid)

    def _open_tenants(self, login: Login) -> Session:
        """Raises LoginInUse where a limit of the login's own is reached: its server has room."""
        try:
            return open_session(login)
        except OutOfConnections as error:
            if is_password_taken(error) and self._is_at_its_limit(login):
                raise LoginInUse from error.__cause__
            raise

    def _is_at_its_limit(self, login: Login) -> bool:
        with suppress(CoppiceError), self.session("Counting its sessions") as session:
            rows = session.execute(_IS_AT_ITS_LIMIT, [login.user, login.database]).fetchall()
            return any(is_reached for (is_reached,) in rows)
        return False

    def _take(self) -> Session | None:
        """A kept session that still works."""
        if os.getpid() != self._pid:
            self._idle, self._hurried, self._pid = deque(), deque(), os.getpid()
            self._close_at_the_end()
        idle = self._kept
        while idle:
            session, since = idle.pop()
            if time.monotonic() - since < _TRUSTED_SECONDS or _answers(session):
                return session
            session.close()
        return None

    def _put_back(self, session: Session) -> None:
        is_clean = session.info.transaction_status is TransactionStatus.IDLE
        idle = self._kept
        if is_clean and len(idle) < _KEPT_SESSIONS and os.getpid() == self._pid:
            idle.append((session, time.monotonic()))
        else:
            session.close()

    @property
    def _kept(self) -> _Idle:
        return self._hurried if patience.is_limited() else self._idle

    def _close_at_the_end(self) -> None:
        """Sessions must be closed, not just forgotten, and only by the process that opened them."""
        for idle in (self._idle, self._hurried):
            weakref.finalize(self, _close_all, idle, self._pid)


def _answers(session: Session) -> bool:
    try:
        session.execute("")
    except psycopg.Error:
        return False
    return True


def _close_all(idle: _Idle, pid: int) -> None:
    while idle and os.getpid() == pid:
        idle.pop()[0].close()


_CANCEL_SECONDS = 1.0


@contextmanager
def in_time(session: Session) -> Iterator[None]:
    """End what the session does when the request at hand has no time left.

    The server ends a statement by itself, but each has its own time, and a server that hangs ends
    none. Raises StillBusy.
    """
    if not patience.is_limited():
        yield
        return
    is_over, is_cut = Event(), Event()
    cut = Timer(patience.left(float("inf")), _cut, [session, is_over, is_cut])
    cut.daemon = True
    cut.start()
    try:
        yield
    except psycopg.Error as error:
        if not is_cut.is_set():
            raise
        raise patience.StillBusy("PostgreSQL is busy with something else.") from error
    finally:
        is_over.set()
        cut.cancel()
        if is_cut.is_set():
            # Its cancelling could meet the next user's statement.
            session.close()


def _cut(session: Session, is_over: Event, is_cut: Event) -> None:
    if is_over.is_set():
        return
    is_cut.set()
    # So that the statement does not do its work later, when nobody expects it any more.
    with suppress(psycopg.Error, OSError):
        session.cancel_safe(timeout=_CANCEL_SECONDS)
    if not is_over.wait(_CANCEL_SECONDS):
        with suppress(psycopg.Error, OSError):
            _hang_up(session.fileno())


def _hang_up(descriptor: int) -> None:
    """Whoever waits for an answer on it is told that the connection has ended."""
    with socket.socket(fileno=os.dup(descriptor)) as copy:
        copy.shutdown(socket.SHUT_RDWR)

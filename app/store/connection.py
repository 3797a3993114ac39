"""Connections to the state database."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar
from weakref import WeakKeyDictionary

from psycopg import Connection, OperationalError, ProgrammingError, conninfo
from psycopg.rows import DictRow, dict_row
from psycopg_pool import ConnectionPool

from app.core.errors import CoppiceError, TransientError

# Everything of ours lives in one schema. A session pooler in front of the state database must pass
# startup options on; a transaction pooler cannot be used: LISTEN needs a session.
# Whoever holds a lock is idle meanwhile, and some providers end such sessions soon, and the lock. A
# process that is paused loses it after a while: others go on, and the fence keeps it from harm.
OPTIONS = (
    "-c search_path=coppice,pg_catalog -c statement_timeout=30s -c timezone=UTC"
    " -c idle_in_transaction_session_timeout=300s"
)
POOL_TIMEOUT_SECONDS = 3.0
TRUSTED_SECONDS = 1.0


class StateUnavailable(TransientError):
    """The state database did not give a connection in time."""

    code = "state_unavailable"
    advice = (
        "Check that the server of COPPICE_DATABASE_URL runs and lets this machine in, and the user,"
        " password and database in it; nothing was stored."
    )

    def __init__(self, message: str = "The state database does not answer.") -> None:
        super().__init__(message)


class StateUnusable(CoppiceError):
    """The state database cannot be used as it is; the message shows no part of its URL."""

    code = "state_unusable"
    advice = (
        "In COPPICE_DATABASE_URL write special characters of the user and the password as %XX, and"
        " check the names of what follows the `?`."
    )


def state_conninfo(dsn: str) -> str:
    """The DSN with our schema and limits added. Raises StateUnusable."""
    try:
        return conninfo.make_conninfo(
            dsn,
            options=OPTIONS,
            application_name="coppice",
            client_encoding="utf8",  # also where the database is SQL_ASCII
            connect_timeout=5,
        )
    except ProgrammingError:
        # Not its text nor its cause: they repeat parts of the URL, maybe the password.
        raise StateUnusable("PostgreSQL's client cannot read COPPICE_DATABASE_URL.") from None


@contextmanager
def state_connection(dsn: str) -> Iterator[Connection[DictRow]]:
    """One transaction on a connection of its own. Raises StateUnavailable."""
    try:
        with Connection.connect(state_conninfo(dsn), row_factory=dict_row) as connection:
            yield connection
    except OperationalError as error:
        raise StateUnavailable from error


class StatePool(ConnectionPool[Connection[DictRow]]):
    """One transaction for each `with pool.connection()`; what fails on the way says so."""

    used_at: ClassVar[WeakKeyDictionary[Connection[DictRow], float]] = WeakKeyDictionary()
    """When each connection was given back, by the monotonic clock."""

    @contextmanager
    def connection(self, timeout: float | None = None) -> Iterator[Connection[DictRow]]:
        """Raise StateUnavailable when the database gives no connection or drops it."""
        try:
            with super().connection(timeout) as connection:
                try:
                    yield connection
                except OperationalError:
                    if connection.broken:
                        # The idle ones have likely broken with it, and would each fail somebody.
                        self.drain()
                    raise
                self.used_at[connection] = time.monotonic()
        except OperationalError as error:
            raise StateUnavailable from error

    @contextmanager
    def autocommit(self) -> Iterator[Connection[DictRow]]:
        """Each statement is a transaction of its own, without round trips to begin and end it."""
        with self.connection() as connection:
            connection.autocommit = True
            try:
                yield connection
            finally:
                if not connection.closed:
                    connection.autocommit = False


def check_if_idle(connection: Connection[DictRow]) -> None:
    """Ask a connection whether it still works, unless it did a moment ago.

    Asking is a round trip, and an operation uses many connections for one statement each.
    """
    if time.monotonic() - StatePool.used_at.get(connection, 0.0) > TRUSTED_SECONDS:
        ConnectionPool.check_connection(connection)


def open_pool(dsn: str, *, max_size: int = 24) -> StatePool:
    """A pool of state connections.

    Opens lazily in the background, so that a process starts while the database is down. Never share
    one across a fork: both sides would hold the same sockets. A thread that works on a database
    needs two, one of them for its lock, so `max_size` is more than twice the jobs of a worker, and
    enough for all lanes of a web process.
    """
    pool = StatePool(
        state_conninfo(dsn),
        kwargs={"row_factory": dict_row},
        min_size=1,
        max_size=max_size,
        timeout=POOL_TIMEOUT_SECONDS,
        open=False,
        check=check_if_idle,
    )
    pool.open(wait=False)
    return pool

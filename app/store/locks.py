"""Locks in the state database: they end with their session, whatever became of who held them."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection, errors
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.errors import TransientError

# Shorter than the statement timeout of state connections, so that the error names the lock.
LOCK_WAIT = "20s"

# DO UPDATE locks the row even where its condition keeps it as it is. Not an advisory lock: every
# login that may connect could take that, and pg_locks shows all of them which ones are in use.
# https://www.postgresql.org/docs/current/sql-insert.html#SQL-ON-CONFLICT
_TAKE = (
    "INSERT INTO locks (kind, key) VALUES (%s, %s)"
    " ON CONFLICT (kind, key) DO UPDATE SET key = excluded.key WHERE false"
)


@contextmanager
def exclusively(
    pool: ConnectionPool[Connection[DictRow]], kind: str, key: int | str
) -> Iterator[None]:
    """Hold the lock of one thing of a kind.

    Raises TransientError after 20 seconds of waiting.
    """
    with pool.connection() as connection:
        try:
            connection.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_WAIT])
            take(connection, kind, key)
        except errors.LockNotAvailable as error:
            raise TransientError(f"Another worker is busy with {kind} {key}.") from error
        yield


def take(connection: Connection[DictRow], kind: str, key: int | str) -> None:
    """Take the lock for the rest of the transaction; nobody without rights on our tables can."""
    connection.execute(_TAKE, [kind, str(key)])

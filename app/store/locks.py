"""Locks in the state database: they end with their session, whatever became of who held them."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection, errors
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.errors import TransientError

# Shorter than the statement timeout of state connections, so that the error names the lock.
LOCK_WAIT = "20s"


@contextmanager
def exclusively(
    pool: ConnectionPool[Connection[DictRow]], kind: str, key: int | str
) -> Iterator[None]:
    """Hold the lock of one thing of a kind.

    Raises TransientError after 20 seconds of waiting.
    """
    text, number = (kind, key) if isinstance(key, int) else (f"{kind} {key}", 0)
    with pool.connection() as connection:
        try:
            connection.execute("SELECT set_config('lock_timeout', %s, true)", [LOCK_WAIT])
            connection.execute(
                "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [text, number]
            )
        except errors.LockNotAvailable as error:
            raise TransientError(f"Another worker is busy with {kind} {key}.") from error
        yield

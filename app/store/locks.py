"""Locks in the state database: they end with their session, whatever became of who held them."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection, errors
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.operations import patience

# Shorter than the statement timeout of state connections, so that the error names the lock.
LOCK_WAIT_SECONDS = 20.0


@contextmanager
def exclusively(
    pool: ConnectionPool[Connection[DictRow]], kind: str, key: int | str
) -> Iterator[None]:
    """Hold the lock of one thing of a kind.

    Raises StillBusy after 20 seconds of waiting, or when the request at hand has no more time.
    """
    text, number = (kind, key) if isinstance(key, int) else (f"{kind} {key}", 0)
    with pool.connection() as connection:
        try:
            with patience.spent(f"Waiting for {kind} {key}"):
                wait_ms = max(1, round(1000 * patience.left(LOCK_WAIT_SECONDS)))
                connection.execute("SELECT set_config('lock_timeout', %s, true)", [f"{wait_ms}ms"])
                connection.execute(
                    "SELECT pg_advisory_xact_lock(hashtextextended(%s, %s))", [text, number]
                )
        except errors.LockNotAvailable as error:
            raise patience.StillBusy(f"Another worker is busy with {kind} {key}.") from error
        yield

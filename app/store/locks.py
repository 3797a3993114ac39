"""Locks in the state database: they end with their session, whatever became of who held them."""

from collections.abc import Iterator
from contextlib import contextmanager

from psycopg import Connection, errors
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app import patience

# Shorter than the statement timeout of state connections, so that the error names the lock.
LOCK_WAIT_SECONDS = 20.0

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

    Raises StillBusy after 20 seconds of waiting, or when the request at hand has no more time.
    """
    with pool.connection() as connection:
        try:
            with patience.spent(f"Waiting for {kind} {key}"):
                wait_ms = max(1, round(1000 * patience.left(LOCK_WAIT_SECONDS)))
                # Not lock_timeout: whoever waits behind others for a row waits several times.
                connection.execute(
                    "SELECT set_config('statement_timeout', %s, true)", [f"{wait_ms}ms"]
                )
                take(connection, kind, key)
        except (errors.QueryCanceled, errors.LockNotAvailable) as error:
            raise patience.StillBusy(f"Another worker is busy with {kind} {key}.") from error
        yield


def take(connection: Connection[DictRow], kind: str, key: int | str) -> None:
    """Take the lock for the rest of the transaction; nobody without rights on our tables can."""
    connection.execute(_TAKE, [kind, str(key)])

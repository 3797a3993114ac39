"""Sessions that people ended before their time, in the state database."""

from datetime import datetime

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool


class EndedSessions:
    """Sessions of browsers that were ended before their time; only hashes of their keys."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def add(self, fingerprint: bytes, *, until: datetime) -> None:
        """Ended for ever; it may be forgotten then. Also forgets those whose time is over."""
        with self._pool.connection() as connection:
            # Not at once: the clock that ends the cookie is another machine's.
            connection.execute("DELETE FROM ended_sessions WHERE until <= now() - interval '1 day'")
            connection.execute(
                "INSERT INTO ended_sessions (fingerprint, until) VALUES (%s, %s)"
                " ON CONFLICT DO NOTHING",
                [fingerprint, until],
            )

    def has(self, fingerprint: bytes) -> bool:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT FROM ended_sessions WHERE fingerprint = %s", [fingerprint]
            ).fetchone()
        return row is not None

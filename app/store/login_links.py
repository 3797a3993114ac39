"""Links that let an operator in, in the state database: any web process honours each, once."""

from datetime import datetime

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool


class LoginLinks:
    """Links that let an operator in once; only their hashes are kept."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def add(self, fingerprint: bytes, *, expires_at: datetime) -> None:
        """Also forgets those whose time is over."""
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM login_links WHERE expires_at <= now()")
            connection.execute(
                "INSERT INTO login_links (fingerprint, expires_at) VALUES (%s, %s)",
                [fingerprint, expires_at],
            )

    def is_known(self, fingerprint: bytes, *, at: datetime) -> bool:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT FROM login_links WHERE fingerprint = %s AND expires_at > %s",
                [fingerprint, at],
            ).fetchone()
        return row is not None

    def take(self, fingerprint: bytes, *, at: datetime) -> bool:
        """Use it up; True for exactly one of those who ask."""
        with self._pool.connection() as connection:
            gone = connection.execute(
                "DELETE FROM login_links WHERE fingerprint = %s AND expires_at > %s",
                [fingerprint, at],
            )
            return gone.rowcount == 1

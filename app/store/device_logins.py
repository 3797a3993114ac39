"""Terminals that wait for a person, in the state database."""

from datetime import datetime
from typing import LiteralString

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.tokens import DeviceLogin


class DeviceLogins:
    """Terminals that wait, for minutes at most."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def add(
        self, fingerprint: bytes, *, user_code: str, name: str, source: str, expires_at: datetime
    ) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "INSERT INTO device_logins (fingerprint, user_code, name, source, expires_at)"
                " VALUES (%s, %s, %s, %s, %s)",
                [fingerprint, user_code, name, source, expires_at],
            )

    def waiting(self, *, source: str, at: datetime) -> tuple[int, int]:
        """How many wait, in all and from that address; forgets those whose time is over."""
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM device_logins WHERE expires_at <= %s", [at])
            row = connection.execute(
                "SELECT count(*) AS total, count(*) FILTER (WHERE source = %s) AS here"
                " FROM device_logins",
                [source],
            ).fetchone()
        return (row["total"], row["here"]) if row else (0, 0)

    def by_user_code(self, user_code: str) -> DeviceLogin | None:
        return self._one("SELECT * FROM device_logins WHERE user_code = %s", user_code)

    def by_fingerprint(self, fingerprint: bytes) -> DeviceLogin | None:
        return self._one("SELECT * FROM device_logins WHERE fingerprint = %s", fingerprint)

    def answer(self, login_id: int, *, is_confirmed: bool, login: str, user_id: int) -> bool:
        """The first answer stands; False when there was one already."""
        with self._pool.connection() as connection:
            changed = connection.execute(
                "UPDATE device_logins SET answer = %s, login = %s, user_id = %s"
                " WHERE id = %s AND answer IS NULL",
                ["confirmed" if is_confirmed else "denied", login, user_id, login_id],
            )
            return changed.rowcount == 1

    def take(self, login_id: int) -> bool:
        """Forget it; True for exactly one of those who ask."""
        with self._pool.connection() as connection:
            gone = connection.execute("DELETE FROM device_logins WHERE id = %s", [login_id])
            return gone.rowcount == 1

    def _one(self, query: LiteralString, parameter: object) -> DeviceLogin | None:
        with self._pool.connection() as connection:
            row = connection.execute(query, [parameter]).fetchone()
        if row is None:
            return None
        return DeviceLogin(
            id=row["id"],
            user_code=row["user_code"],
            name=row["name"],
            source=row["source"],
            expires_at=row["expires_at"],
            is_confirmed=None if row["answer"] is None else row["answer"] == "confirmed",
            login=row["login"] or "",
            user_id=row["user_id"] or 0,
        )

"""Tokens of the API in the state database."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.identifiers import TokenId
from app.core.tokens import NewToken, Token, TokenKind, no_token


class AccessTokens:
    """Tokens that were made and not revoked."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def add(self, new: NewToken) -> Token:
        with self._pool.connection() as connection:
            row = connection.execute(
                "INSERT INTO tokens (fingerprint, name, kind, maker_login, maker_id, app_id,"
                " is_read_only, created_at, expires_at)"
                " VALUES (%(fingerprint)s, %(name)s, %(kind)s, %(maker_login)s, %(maker_id)s,"
                " %(app_id)s, %(is_read_only)s, %(created_at)s, %(expires_at)s) RETURNING *",
                asdict(new),
            ).fetchone()
        assert row is not None  # noqa: S101 - RETURNING gives the row that was inserted
        return _token(row)

    def known_by(self, fingerprint: bytes, *, at: datetime) -> Token | None:
        """The token, expired or not; remembers that it was used then, to the minute."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT * FROM tokens WHERE fingerprint = %s", [fingerprint]
            ).fetchone()
            if row is None:
                return None
            # To the minute: a write for each request would be most of what the database does.
            connection.execute(
                "UPDATE tokens SET last_used_at = %(at)s WHERE id = %(id)s"
                " AND coalesce(last_used_at < %(at)s - interval '1 minute', true)",
                {"at": at, "id": row["id"]},
            )
        return _token(row)

    def get(self, token_id: TokenId) -> Token:
        """Raise NotFound when there is none."""
        with self._pool.connection() as connection:
            row = connection.execute("SELECT * FROM tokens WHERE id = %s", [token_id]).fetchone()
        if row is None:
            raise no_token(token_id)
        return _token(row)

    def all(self, *, maker_id: int | None = None) -> Sequence[Token]:
        """All, or those of a maker; the newest first."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM tokens WHERE %(maker)s::bigint IS NULL OR maker_id = %(maker)s"
                " ORDER BY id DESC",
                {"maker": maker_id},
            ).fetchall()
        return [_token(row) for row in rows]

    def revoke(self, token_id: TokenId) -> None:
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM tokens WHERE id = %s", [token_id])


def _token(row: DictRow) -> Token:
    row.pop("fingerprint")
    return Token(**{**row, "kind": TokenKind(row["kind"])})

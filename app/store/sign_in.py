"""Ways in, in the state database: tokens, terminals and links that wait, sessions that ended.

Of each only a fingerprint of its key is kept.
"""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import LiteralString

from app.core.identifiers import TokenId
from app.core.tokens import DeviceLogin, Token, no_token
from app.store.tables import Table, insert

_TERMINAL: LiteralString = """
    SELECT id, user_code, name, source, expires_at, answer = 'confirmed' AS is_confirmed,
        coalesce(login, '') AS login, coalesce(user_id, 0) AS user_id
    FROM device_logins
"""


class AccessTokens(Table):
    """Tokens of the API that were made and not revoked."""

    def add(self, new: Token, *, fingerprint: bytes) -> Token:
        values = {**asdict(new), "fingerprint": fingerprint}
        del values["id"]
        [token] = self._all(Token, insert("tokens", values, "RETURNING *"), values)
        return token

    def known_by(self, fingerprint: bytes, *, at: datetime) -> Token | None:
        """The token, expired or not; remembers that it was used then, to the minute."""
        # To the minute: a write for each request would be most of what the database does.
        return self._one(
            Token,
            "WITH used AS (UPDATE tokens SET last_used_at = %(at)s"
            " WHERE fingerprint = %(fingerprint)s"
            " AND coalesce(last_used_at < %(at)s - interval '1 minute', true))"
            " SELECT * FROM tokens WHERE fingerprint = %(fingerprint)s",
            {"fingerprint": fingerprint, "at": at},
        )

    def get(self, token_id: TokenId) -> Token:
        """Raise NotFound when there is none."""
        token = self._one(Token, "SELECT * FROM tokens WHERE id = %s", [token_id])
        if token is None:
            raise no_token(token_id)
        return token

    def all(self, *, maker_id: int | None = None) -> Sequence[Token]:
        """All, or those of a maker; the newest first."""
        return self._all(
            Token,
            "SELECT * FROM tokens WHERE %(maker)s::bigint IS NULL OR maker_id = %(maker)s"
            " ORDER BY id DESC",
            {"maker": maker_id},
        )

    def revoke(self, token_id: TokenId) -> None:
        self._change("DELETE FROM tokens WHERE id = %s", [token_id])


class DeviceLogins(Table):
    """Terminals that wait for a person, for minutes at most."""

    def add(
        self, fingerprint: bytes, *, user_code: str, name: str, source: str, expires_at: datetime
    ) -> None:
        self._change(
            "INSERT INTO device_logins (fingerprint, user_code, name, source, expires_at)"
            " VALUES (%s, %s, %s, %s, %s)",
            [fingerprint, user_code, name, source, expires_at],
        )

    def waiting(self, *, source: str, at: datetime) -> tuple[int, int]:
        """How many wait, in all and from that address; forgets those whose time is over."""
        self._change("DELETE FROM device_logins WHERE expires_at <= %s", [at])
        [row] = self._rows(
            "SELECT count(*) AS total, count(*) FILTER (WHERE source = %s) AS here"
            " FROM device_logins",
            [source],
        )
        return row["total"], row["here"]

    def by_user_code(self, user_code: str) -> DeviceLogin | None:
        return self._one(DeviceLogin, _TERMINAL + "WHERE user_code = %s", [user_code])

    def by_fingerprint(self, fingerprint: bytes) -> DeviceLogin | None:
        return self._one(DeviceLogin, _TERMINAL + "WHERE fingerprint = %s", [fingerprint])

    def answer(self, login_id: int, *, is_confirmed: bool, login: str, user_id: int) -> bool:
        """The first answer stands; False when there was one already."""
        return self._change(
            "UPDATE device_logins SET answer = %s, login = %s, user_id = %s"
            " WHERE id = %s AND answer IS NULL",
            ["confirmed" if is_confirmed else "denied", login, user_id, login_id],
        )

    def take(self, login_id: int) -> bool:
        """Forget it; True for exactly one of those who ask."""
        return self._change("DELETE FROM device_logins WHERE id = %s", [login_id])


class LoginLinks(Table):
    """Links that let an operator in once; any web process honours each."""

    def add(self, fingerprint: bytes, *, expires_at: datetime) -> None:
        """Also forgets those whose time is over."""
        self._change("DELETE FROM login_links WHERE expires_at <= now()")
        self._change(
            "INSERT INTO login_links (fingerprint, expires_at) VALUES (%s, %s)",
            [fingerprint, expires_at],
        )

    def is_known(self, fingerprint: bytes, *, at: datetime) -> bool:
        return bool(
            self._rows(
                "SELECT FROM login_links WHERE fingerprint = %s AND expires_at > %s",
                [fingerprint, at],
            )
        )

    def take(self, fingerprint: bytes, *, at: datetime) -> bool:
        """Use it up; True for exactly one of those who ask."""
        return self._change(
            "DELETE FROM login_links WHERE fingerprint = %s AND expires_at > %s",
            [fingerprint, at],
        )


class EndedSessions(Table):
    """Sessions of browsers that were ended before their time."""

    def add(self, fingerprint: bytes, *, until: datetime) -> None:
        """Ended for ever; it may be forgotten then. Also forgets those whose time is over."""
        # Not at once: the clock that ends the cookie is another machine's.
        self._change("DELETE FROM ended_sessions WHERE until <= now() - interval '1 day'")
        self._change(
            "INSERT INTO ended_sessions (fingerprint, until) VALUES (%s, %s)"
            " ON CONFLICT DO NOTHING",
            [fingerprint, until],
        )

    def has(self, fingerprint: bytes) -> bool:
        return bool(self._rows("SELECT FROM ended_sessions WHERE fingerprint = %s", [fingerprint]))

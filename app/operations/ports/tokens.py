"""What operations ask of the state database about tokens of the API."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.core.identifiers import AppId, TokenId
from app.core.tokens import Token, TokenKind


@dataclass(frozen=True, slots=True, kw_only=True)
class NewToken:
    """A token to be known from now on, by its fingerprint."""

    fingerprint: bytes
    name: str
    kind: TokenKind
    maker_login: str
    maker_id: int
    app_id: AppId | None
    is_read_only: bool
    created_at: datetime
    expires_at: datetime | None


class AccessTokens(Protocol):
    """Tokens that were made and not revoked."""

    def add(self, new: NewToken) -> Token: ...

    def known_by(self, fingerprint: bytes, *, at: datetime) -> Token | None:
        """The token, expired or not; remembers that it was used then, to the minute."""

    def get(self, token_id: TokenId) -> Token:
        """Raise NotFound when there is none."""

    def all(self, *, maker_id: int | None = None) -> Sequence[Token]:
        """All, or those of a maker; the newest first."""

    def revoke(self, token_id: TokenId) -> None: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeviceLogin:
    """A terminal that waits for a person to confirm its code."""

    id: int
    user_code: str
    name: str
    source: str
    expires_at: datetime
    is_confirmed: bool | None
    """None: nobody has answered yet."""
    login: str
    user_id: int


class DeviceLogins(Protocol):
    """Terminals that wait, for minutes at most."""

    def add(
        self, fingerprint: bytes, *, user_code: str, name: str, source: str, expires_at: datetime
    ) -> None: ...

    def waiting(self, *, source: str, at: datetime) -> tuple[int, int]:
        """How many wait, in all and from that address; forgets those whose time is over."""

    def by_user_code(self, user_code: str) -> DeviceLogin | None: ...

    def by_fingerprint(self, fingerprint: bytes) -> DeviceLogin | None: ...

    def answer(self, login_id: int, *, is_confirmed: bool, login: str, user_id: int) -> bool:
        """The first answer stands; False when there was one already."""

    def take(self, login_id: int) -> bool:
        """Forget it; True for exactly one of those who ask."""

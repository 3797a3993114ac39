"""Tokens of the API: who made one, what is left of the maker's rights, and until when."""

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.core.errors import NotFound
from app.core.identifiers import AppId, TokenId
from app.core.people import Actor

PREFIX = "coppice_"
"""So that people and scanners of leaked secrets know one when they see it."""


class TokenKind(StrEnum):
    """What a token is for."""

    AUTOMATION = "automation"
    """A program's; somebody made it by name."""
    LOGIN = "login"
    """A person's own, from `coppice login`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """What is stored of one: never the token itself."""

    id: TokenId = TokenId(0)
    """0 until it is stored."""
    name: str
    kind: TokenKind
    maker_login: str
    """Empty: an operator at the machine, or with the admin token."""
    maker_id: int
    """GitHub's id of the account; 0 without one."""
    app_id: AppId | None
    """The only app it is for; None: all that its maker may."""
    is_read_only: bool
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = None

    @property
    def maker(self) -> str:
        """As the audit trail names people."""
        return f"github:{self.maker_login}" if self.maker_login else "operator"

    def is_expired(self, now: datetime) -> bool:
        return self.expires_at is not None and self.expires_at <= now


def fingerprint(token: str) -> bytes:
    """What is stored to know a token again. Random enough that a plain hash tells nobody."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


# Neither vowels nor what looks alike: no words by accident, and readable over a shoulder.
_CODE_LETTERS = "BCDFGHJKLMNPQRSTVWXZ"
_CODE_LENGTH = 8


def user_code(random_text: str) -> str:
    """A code for people to type, such as `WDJB-MJHT`, out of what is random already."""
    number = int.from_bytes(hashlib.sha256(random_text.encode()).digest())
    letters = []
    for _ in range(_CODE_LENGTH):
        number, place = divmod(number, len(_CODE_LETTERS))
        letters.append(_CODE_LETTERS[place])
    half = _CODE_LENGTH // 2
    return "".join([*letters[:half], "-", *letters[half:]])


def typed_code(text: str) -> str:
    """A code as it was made, from what a person typed: case and spaces do not matter."""
    letters = re.sub(r"[^A-Z]", "", text.upper())[: _CODE_LENGTH + 1]
    half = _CODE_LENGTH // 2
    return f"{letters[:half]}-{letters[half:]}"


def actor_of(token: Token, *, is_operator: bool) -> Actor:
    """Whom a token acts as; `is_operator`: whether its maker is one at this moment."""
    return Actor(
        name=f"token:{token.name} of {token.maker}",
        login=token.maker_login,
        user_id=token.maker_id,
        is_operator=is_operator,
        only_app=token.app_id,
        is_read_only=token.is_read_only,
        is_automation=token.kind is TokenKind.AUTOMATION,
    )


def no_token(token_id: TokenId) -> NotFound:
    """It is not there, or the actor may not know that it is."""
    return NotFound(
        f"There is no token {token_id}.",
        advice="The list of tokens shows yours with their numbers (`coppice tokens list`).",
    )


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

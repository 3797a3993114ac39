"""Tokens of the API: made, known again, listed, revoked."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from app.core.audit import AuditEvent
from app.core.errors import Forbidden, Invalid, Unauthorized
from app.core.identifiers import TokenId
from app.core.people import Actor, See
from app.core.tokens import PREFIX, Token, TokenKind, fingerprint, no_token
from app.operations.access import Permitted
from app.operations.apps import Assigned
from app.operations.services import Services

LONGEST_NAME = 100
LONGEST_DAYS = 3650


@dataclass(frozen=True, slots=True, kw_only=True)
class TokenRequest:
    """What a token is to be; without an app: for all that its maker may."""

    name: str
    app: Permitted[Assigned, See] | None = None
    is_read_only: bool = False
    days: int | None = None
    """For how long it works; None: until it is revoked."""
    kind: TokenKind = TokenKind.AUTOMATION


def make(services: Services, request: TokenRequest) -> tuple[Token, str]:
    """Make a token for the actor; the second value is the token itself, never to be seen again.

    Raises Forbidden for a token that asks.
    """
    refuse_automation(services.actor)
    if (
        not request.name.strip()
        or len(request.name) > LONGEST_NAME
        or not request.name.isprintable()
    ):
        raise Invalid(f"A token needs a name of up to {LONGEST_NAME} letters that can be printed.")
    if request.days is not None and not 0 < request.days <= LONGEST_DAYS:
        raise Invalid(f"A token lasts between 1 and {LONGEST_DAYS} days.")
    secret, now = PREFIX + services.new_secret(), services.clock()
    token = services.store.access_tokens.add(
        Token(
            name=request.name.strip(),
            kind=request.kind,
            maker_login=services.actor.login,
            maker_id=services.actor.user_id,
            app_id=request.app.subject.app.id if request.app else None,
            is_read_only=request.is_read_only,
            created_at=now,
            expires_at=now + timedelta(days=request.days) if request.days else None,
        ),
        fingerprint=fingerprint(secret),
    )
    services.record(AuditEvent.TOKENS_CREATE, f"token {token.id}", detail=_described(token))
    return token, secret


def known(services: Services, secret: str) -> Token:
    """The token that somebody sent. Raises Unauthorized when it is not known, or not any more."""
    now = services.clock()
    token = services.store.access_tokens.known_by(fingerprint(secret), at=now)
    if token is None:
        raise Unauthorized(
            "The token is not known, or was revoked.", advice="Log in again, or make another token."
        )
    if token.is_expired(now):
        raise Unauthorized(
            f"The token {token.name} has expired.", advice="Log in again, or make another token."
        )
    return token


def visible(services: Services) -> Sequence[Token]:
    """The actor's tokens, an operator's view all of them; the newest first."""
    refuse_automation(services.actor)
    return services.store.access_tokens.all(
        maker_id=None if services.actor.is_operator else services.actor.user_id
    )


def revoke(services: Services, token_id: TokenId) -> Token:
    """End a token at once. Raises NotFound for one that the actor may not see."""
    refuse_automation(services.actor)
    token = services.store.access_tokens.get(token_id)
    if not services.actor.is_operator and token.maker_id != services.actor.user_id:
        raise no_token(token_id)
    end(services, token)
    return token


def end(services: Services, token: Token) -> None:
    """Revoke a token that is known to be the asker's."""
    services.store.access_tokens.revoke(token.id)
    services.record(AuditEvent.TOKENS_REVOKE, f"token {token.id}", detail=_described(token))


def _described(token: Token) -> str:
    scope = f"app {token.app_id}" if token.app_id else "all apps"
    return f"{token.name}: {scope}, {'reading' if token.is_read_only else 'reading and writing'}"


def refuse_automation(actor: Actor) -> None:
    """Raise Forbidden for a program: what a leaked token could make would outlive it."""
    if actor.is_automation:
        raise Forbidden(
            "A token cannot be used to make, list or revoke tokens.",
            advice="Log in as yourself: in the dashboard, or with `coppice login`.",
        )

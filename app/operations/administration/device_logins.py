"""`coppice login`: a terminal shows a code, a person confirms it in the browser.

As in RFC 8628, with codes of our own. https://www.rfc-editor.org/rfc/rfc8628
"""

from dataclasses import dataclass, field
from datetime import timedelta

from app.core.audit import AuditEvent
from app.core.errors import Conflict, Invalid, NotFound, TransientError
from app.core.people import OPERATOR, Actor
from app.core.tokens import DeviceLogin, Token, TokenKind, fingerprint, typed_code, user_code
from app.operations.administration import tokens
from app.operations.administration.tokens import TokenRequest
from app.operations.services import Services

LIFETIME = timedelta(minutes=10)
POLL_SECONDS = 2
TOKEN_DAYS = 90
# Anybody may begin one, so their number is bounded: in all, and from one address.
MOST, MOST_FROM_ONE_PLACE = 1000, 100


class NotYet(Invalid):
    """Nobody has answered yet."""

    code = "authorization_pending"
    advice = "Open the address in a browser, log in, and type the code; then ask again."

    def __init__(self) -> None:
        super().__init__("Nobody has confirmed the code yet.")


class TooMany(TransientError):
    """More terminals wait than people could mean."""

    code = "too_many_logins"
    advice = "Try again in some minutes."

    def __init__(self) -> None:
        super().__init__("Too many terminals wait for a log-in.")


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """What a terminal is told."""

    device_code: str = field(repr=False)
    user_code: str


def begin(services: Services, *, name: str) -> Begun:
    """Let a terminal wait; `name` is what its token will be called. Raises TooMany."""
    now, source = services.clock(), services.source
    total, from_here = services.store.device_logins.waiting(source=source, at=now)
    if total >= MOST or from_here >= MOST_FROM_ONE_PLACE:
        raise TooMany
    begun = Begun(device_code=services.new_secret(), user_code=user_code(services.new_secret()))
    services.store.device_logins.add(
        fingerprint(begun.device_code),
        user_code=begun.user_code,
        name=name,
        source=source,
        expires_at=now + LIFETIME,
    )
    return begun


def waiting(services: Services, code: str) -> DeviceLogin:
    """The terminal that shows the code that somebody typed. Raises NotFound when none does."""
    tokens.refuse_automation(services.actor)
    found = services.store.device_logins.by_user_code(typed_code(code))
    if found is None or found.expires_at <= services.clock() or found.is_confirmed is not None:
        raise NotFound(
            "No terminal waits with this code.",
            advice="Check the letters, or begin again: a code works for ten minutes.",
        )
    return found


def answer(services: Services, code: str, *, is_confirmed: bool) -> DeviceLogin:
    """Let the terminal act as the actor from now on, or send it away.

    Raises NotFound, or Conflict when somebody was quicker.
    """
    found = waiting(services, code)
    actor = services.actor
    if not services.store.device_logins.answer(
        found.id, is_confirmed=is_confirmed, login=actor.login, user_id=actor.user_id
    ):
        raise Conflict("Somebody has answered this already.", advice="Begin again if in doubt.")
    services.record(
        AuditEvent.TERMINAL, found.name, detail="confirmed" if is_confirmed else "refused"
    )
    return found


def collect(services: Services, device_code: str) -> tuple[Token, str]:
    """The token for a terminal whose code was confirmed, once; the second is the token itself.

    Raises NotYet, or Invalid with the code `expired_token` or `access_denied`.
    """
    found = services.store.device_logins.by_fingerprint(fingerprint(device_code))
    if found is None or found.expires_at <= services.clock():
        raise _expired()
    if found.is_confirmed is None:
        raise NotYet
    if not services.store.device_logins.take(found.id):
        raise _expired()
    if not found.is_confirmed:
        raise Invalid("The log-in was refused.", advice="Begin again.", code="access_denied")
    person = OPERATOR
    if found.user_id:
        person = Actor(name=f"github:{found.login}", login=found.login, user_id=found.user_id)
    request = TokenRequest(name=found.name, kind=TokenKind.LOGIN, days=TOKEN_DAYS)
    return tokens.make(services.acting_as(person, source=services.source), request)


def _expired() -> Invalid:
    return Invalid(
        "The code is not known, or its time is over.", advice="Begin again.", code="expired_token"
    )

"""Sessions of browsers: a signed cookie that says who logged in, and until when.

The cookie is signed, not encrypted, and holds no secret; whoever changes the first of
COPPICE_SECRET_KEYS and takes the old one out ends every session.
"""

import secrets
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import Any

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from flask import Flask, current_app, session
from pydantic import TypeAdapter, ValidationError

from app.config import Config
from app.core.people import OPERATOR, Actor
from app.core.tokens import fingerprint
from app.store.sign_in import EndedSessions

SESSION_SECONDS = 12 * 3600
_PERSON = "person"


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who logged in."""

    key: str
    """Random, the session's own: by its hash a session is known as ended."""
    until: int
    """When the session ends, in seconds since the epoch."""
    user_id: int = 0
    """GitHub's id; 0 for who came in by the operator's link."""
    login: str = ""
    name: str = ""
    teams: tuple[str, ...] = ()
    """Of the operators' teams, those that the person was in at log-in, as `org/team`."""


_people: TypeAdapter[Person] = TypeAdapter(Person)


def init_app(app: Flask, config: Config) -> None:
    """Sign sessions with the service's keys; under https no other page can plant the cookie."""
    is_https = config.public_url.startswith("https://")
    keys = signing_keys([key.get_secret_value() for key in config.secret_keys])
    app.secret_key = keys[0]
    app.config.update(
        SECRET_KEY_FALLBACKS=keys[1:],
        # https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Set-Cookie#cookie_prefixes
        SESSION_COOKIE_NAME="__Host-coppice" if is_https else "coppice",
        SESSION_COOKIE_SECURE=is_https,
        SESSION_COOKIE_HTTPONLY=True,
        # Not Strict: GitHub's redirect to the end of a log-in must bring the cookie along.
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        PERMANENT_SESSION_LIFETIME=SESSION_SECONDS,
        SESSION_REFRESH_EACH_REQUEST=False,
    )
    app.extensions["operators"] = frozenset(config.operators)


def signing_keys(secret_keys: Sequence[str]) -> list[bytes]:
    """A key for cookies from each of the service's keys, newest first.

    Derived, so that a signature tells nothing about the key that encrypts stored credentials.
    """
    if not secret_keys:
        return [secrets.token_bytes(32)]
    return [_derived(key) for key in secret_keys]


def _derived(secret_key: str) -> bytes:
    derivation = HKDF(algorithm=hashes.SHA256(), length=32, salt=None, info=b"coppice sessions")
    return derivation.derive(secret_key.encode())


def begin(*, user_id: int = 0, login: str = "", name: str = "", teams: Sequence[str] = ()) -> None:
    """Log somebody in; nothing of what the browser brought along stays."""
    until = int(time.time()) + SESSION_SECONDS
    person = Person(
        key=secrets.token_urlsafe(),
        until=until,
        user_id=user_id,
        login=login,
        name=name,
        teams=tuple(teams),
    )
    session.clear()
    session.permanent = True
    session[_PERSON] = asdict(person)


def end(ended: EndedSessions) -> None:
    """Log out: the answer takes the cookie away, and a copy of it counts for nothing."""
    if (known := person()) is not None:
        ended.add(fingerprint(known.key), until=datetime.fromtimestamp(known.until, UTC))
    session.clear()


def person() -> Person | None:
    """Whom the request's cookie names; None for nobody, or when its time is over."""
    found: Any = session.get(_PERSON)
    if found is None:
        return None
    try:
        known = _people.validate_python(found)
    except ValidationError:  # of another version of the service
        return None
    return known if time.time() < known.until else None


def actor(ended: EndedSessions) -> Actor | None:
    """Whom the request's cookie speaks for. Raises StateUnavailable."""
    known = person()
    if known is None or ended.has(fingerprint(known.key)):
        return None
    if not known.user_id:
        return OPERATOR
    operators: frozenset[str] = current_app.extensions["operators"]
    return Actor(
        name=f"github:{known.login}",
        login=known.login,
        user_id=known.user_id,
        is_operator=is_operator(known.login, known.teams, operators=operators),
    )


def is_operator(login: str, teams: Collection[str], *, operators: Collection[str]) -> bool:
    """Whether the settings name the login, or one of the teams; compared without case."""
    return bool({login.lower(), *(team.lower() for team in teams)} & set(operators))

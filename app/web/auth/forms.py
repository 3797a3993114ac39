"""Forms that only our own pages can send (CSRF).

A browser adds the session's cookie to requests that other sites cause. So a request that changes
something and is believed for its cookie must carry the session's token, which other sites cannot
read, and must not say that it comes from another site.
https://cheatsheetseries.owasp.org/cheatsheets/Cross-Site_Request_Forgery_Prevention_Cheat_Sheet.html
"""

import hmac
import secrets
from urllib.parse import urlsplit

from flask import Flask, current_app, request, session

from app.core.errors import Forbidden
from app.operations.services import Services

FIELD, HEADER = "csrf_token", "X-CSRF-Token"
_KEY = "csrf"
_SAFE = frozenset({"GET", "HEAD", "OPTIONS"})


class ForgedRequest(Forbidden):
    """The request did not come from a page that the service showed in this session."""

    code = "forged_request"
    advice = "Load the page again and repeat what you did; you may have to log in again."

    def __init__(self) -> None:
        super().__init__("This form is out of date, or was not sent from a page of this service.")


def init_app(app: Flask) -> None:
    """Check every request before its view, and give templates `csrf_token()`."""
    app.before_request(check)
    app.jinja_env.globals["csrf_token"] = token


def token() -> str:
    """The session's token, made when it has none."""
    if _KEY not in session:
        session[_KEY] = secrets.token_urlsafe(32)
    return str(session[_KEY])


def check() -> None:
    """Raise ForgedRequest for what another site may have sent.

    A form is checked also when nobody is logged in: nobody shall be logged in unasked either.
    """
    if request.method in _SAFE or not _has_cookie_authority():
        return
    if not _is_from_here() or not _has_token():
        raise ForgedRequest


def _has_cookie_authority() -> bool:
    """No browser adds an Authorization header by itself, and a webhook is believed for its
    signature. Without a session the API refuses in its own words."""
    if "Authorization" in request.headers or request.path.startswith("/webhooks/"):
        return False
    return not request.path.startswith("/api/") or bool(session)


def _is_from_here() -> bool:
    """What browsers say of where a request comes from; older ones say less, and the token decides.

    https://developer.mozilla.org/en-US/docs/Web/HTTP/Reference/Headers/Sec-Fetch-Site
    """
    site = request.headers.get("Sec-Fetch-Site")
    if site is not None:
        return site == "same-origin"
    origin = request.headers.get("Origin")
    if origin is None:
        return True
    services: Services = current_app.extensions["services"]
    # The second is for who reaches the service under another name than COPPICE_PUBLIC_URL.
    return _host_of(origin) in {_host_of(services.public_url), request.host}


def _host_of(url: str) -> str:
    return urlsplit(url).netloc


def _has_token() -> bool:
    given = request.headers.get(HEADER) or request.form.get(FIELD, "")
    expected = session.get(_KEY)
    # As bytes: compare_digest refuses text that is not ASCII.
    return bool(expected) and hmac.compare_digest(given.encode(), str(expected).encode())

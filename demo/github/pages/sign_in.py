"""OAuth for people: the page that asks them, and the endpoint that turns its code into a token.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
"""

import base64
import hashlib
import hmac
import secrets
from datetime import timedelta
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, redirect, request

from demo.github.access import may_authorize
from demo.github.context import Context
from demo.github.model import Account, OAuthCode, UserToken
from demo.github.pages.frame import missing, page
from demo.github.rest.guard import Answer, context
from demo.github.state import utc_now

blueprint = Blueprint("sign_in", __name__)

_CODE_TIME = timedelta(minutes=10)
_TOKEN_TIME = timedelta(hours=8)
_ASK = """
<p>{{ app }} would like permission to verify your GitHub identity.</p>
<form method="post" action="/login/oauth/authorize?{{ query }}">
  <ul class="plain">
  {% for login, roles in people.items() %}
  <li><button name="as" value="{{ login }}">Authorize as {{ login }}</button>
    <span class="quiet">{{ roles | join(", ") }}</span></li>
  {% endfor %}
  </ul>
  <button name="as" value="">Cancel</button>
</form>
"""


@blueprint.get("/login/oauth/authorize")
def ask() -> Answer:
    """A button for each user; `as=LOGIN` in the address agrees at once, for tests."""
    found = context()
    problem = _problem(found)
    if problem is not None:
        return problem
    if "as" in request.args:
        return _answer(found, request.args["as"])
    with found.state.lock:
        people = {
            each.login: _roles(found, each)
            for each in found.state.accounts.values()
            if each.type == "User"
        }
    return page(
        f"Authorize {found.identity.name}",
        _ASK,
        app=found.identity.name,
        query=request.query_string.decode(),
        people=people,
    )


def _roles(found: Context, user: Account) -> list[str]:
    """What somebody was given, and where, for whoever wonders whom to be."""
    return [
        f"{each.roles[user.id]} on {each.full_name}"
        for each in found.state.repositories.values()
        if user.id in each.roles
    ]


@blueprint.post("/login/oauth/authorize")
def agree() -> Answer:
    found = context()
    return _problem(found) or _answer(found, request.form["as"])


def _problem(found: Context) -> Answer | None:
    if request.args.get("client_id") != found.identity.client_id:
        return missing()
    callbacks = found.identity.callback_urls
    if request.args.get("redirect_uri", callbacks[0]) not in callbacks:
        description = "The redirect_uri is not associated with this application."
        return _back(
            callbacks[0], {"error": "redirect_uri_mismatch", "error_description": description}
        )
    has_challenge = bool(request.args.get("code_challenge"))
    method = request.args.get("code_challenge_method")
    if has_challenge != (method == "S256"):
        return page("Bad request", "<p>Only S256 challenges are accepted.</p>", status=400)
    return None


def _answer(found: Context, login: str) -> Answer:
    redirect_uri = request.args.get("redirect_uri", found.identity.callback_urls[0])
    if not login:
        description = "The user has denied your application access."
        return _back(redirect_uri, {"error": "access_denied", "error_description": description})
    with found.state.lock:
        user = found.state.account(login)
        if user is None or not may_authorize(found.state, user, found.identity):
            return missing()
        code = secrets.token_hex(10)
        challenge = request.args.get("code_challenge", "")
        found.state.codes[code] = OAuthCode(
            user=user, redirect_uri=redirect_uri, challenge=challenge, made_at=utc_now()
        )
    return _back(redirect_uri, {"code": code})


def _back(redirect_uri: str, query: dict[str, str]) -> Answer:
    if "state" in request.args:
        query["state"] = request.args["state"]
    return redirect(f"{redirect_uri}?{urlencode(query)}")


@blueprint.post("/login/oauth/access_token")
def access_token() -> Answer:
    """GitHub answers 200 also to refuse."""
    found = context()
    given = request.form
    is_client = given.get("client_id") == found.identity.client_id and hmac.compare_digest(
        given.get("client_secret", "").encode(), found.identity.client_secret.encode()
    )
    if not is_client:
        return _said(
            error="incorrect_client_credentials",
            error_description="The client_id and/or client_secret passed are incorrect.",
        )
    with found.state.lock:
        code = found.state.codes.pop(given.get("code", ""), None)
        if code is None or not _fits(code):
            return _said(
                error="bad_verification_code",
                error_description="The code passed is incorrect or expired.",
            )
        if given.get("redirect_uri", code.redirect_uri) != code.redirect_uri:
            return _said(
                error="redirect_uri_mismatch",
                error_description="The redirect_uri MUST match the registered callback URL.",
            )
        token = f"ghu_{secrets.token_urlsafe(27)}"
        found.state.user_tokens[token] = UserToken(
            value=token, user=code.user, expires_at=utc_now() + _TOKEN_TIME
        )
    return _said(
        access_token=token,
        expires_in=str(int(_TOKEN_TIME.total_seconds())),
        refresh_token=f"ghr_{secrets.token_urlsafe(56)}",
        refresh_token_expires_in="15811200",
        scope="",
        token_type="bearer",
    )


def _fits(code: OAuthCode) -> bool:
    if code.made_at + _CODE_TIME < utc_now():
        return False
    if not code.challenge:
        return True
    digest = hashlib.sha256(request.form.get("code_verifier", "").encode()).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == code.challenge


def _said(**fields: str) -> Response:
    """JSON for those who accept it, and a form otherwise, as GitHub does."""
    if "application/json" in request.headers.get("Accept", ""):
        return jsonify(fields)
    return Response(urlencode(fields), content_type="application/x-www-form-urlencoded")

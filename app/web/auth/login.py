"""Log-in: through GitHub, or by an operator's link; and log-out."""

import time
from urllib.parse import urlencode, urlsplit

import requests
from authlib.integrations.base_client import OAuthError
from authlib.integrations.flask_client import FlaskIntegration
from authlib.integrations.flask_client.apps import FlaskOAuth2App
from flask import Blueprint, current_app, redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from app.core.audit import AuditEvent
from app.core.errors import Conflict, Forbidden, GitHubUnavailable, Invalid
from app.core.github_app import CALLBACK_PATH, GitHubApp
from app.core.people import NOBODY, Actor
from app.operations.administration import login_links
from app.operations.services import Services
from app.web.auth import sessions

pages = Blueprint("login_pages", __name__)

_CLIENT = "github"
_STATES = f"_state_{_CLIENT}_"
"""Authlib's own prefix for what a session remembers of a log-in that was begun."""
_MOST_STATES = 3
"""Log-ins begun side by side in one browser; a cookie holds 4 kB."""
_TIMEOUT_SECONDS = 10
_ON_THE_WAY = ("/login", "/login/github", CALLBACK_PATH, login_links.PATH)


class UnknownState(Invalid):
    """The end of a log-in that this browser did not begin, or that has ended already."""

    code = "unknown_state"

    def __init__(self) -> None:
        services: Services = current_app.extensions["services"]
        super().__init__(
            "This log-in was not begun in this browser, or is over already.",
            advice=f"Begin again at {services.public_url}/login: cookies are needed, and exactly"
            " this address.",
        )


def local_path(wanted: str) -> str:
    """The path of a page of ours to go on to; anything else (another site) becomes `/`."""
    is_plain = wanted.isprintable() and "\\" not in wanted
    if not is_plain or not wanted.startswith("/") or wanted.startswith("//"):
        return "/"
    parts = urlsplit(wanted)
    is_ours = not parts.scheme and not parts.netloc and parts.path not in _ON_THE_WAY
    return wanted if is_ours else "/"


@pages.get("/login")
def show() -> ResponseReturnValue:
    """How to get in: through GitHub if there is an App for it, else by the link."""
    wanted = local_path(request.args.get("next", ""))
    if sessions.actor(_services().store.ended_sessions) is not None:
        return redirect(wanted)
    app = _services().github_app.current(is_fresh=True)
    begin = "/login/github?" + urlencode({"next": wanted})
    return render_template("login.html", begin=begin if app and app.can_log_in else None)


@pages.get("/login/github")
def begin() -> ResponseReturnValue:
    """Send the browser to GitHub, remembering in its session what to expect back."""
    services = _services()
    client = _client(services)
    _forget_states(keep=_MOST_STATES - 1)
    # https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-user-access-token-for-a-github-app
    redirect_uri = services.public_url + CALLBACK_PATH
    begun = client.create_authorization_url(redirect_uri)
    client.save_authorize_data(
        state=begun["state"],
        redirect_uri=redirect_uri,
        code_verifier=begun["code_verifier"],
        next=local_path(request.args.get("next", "")),
    )
    session.permanent = True
    return redirect(begun["url"])


@pages.get(CALLBACK_PATH)
def finish() -> ResponseReturnValue:
    """GitHub sends the browser back here, with a code that tells who it is."""
    services = _services()
    client = _client(services)
    expected = _expected(client)
    operators: frozenset[str] = current_app.extensions["operators"]
    token = _token(client)
    # The token is used here and kept nowhere.
    account = services.github_accounts().account(
        token, teams=sorted(each for each in operators if "/" in each)
    )
    sessions.begin(user_id=account.id, login=account.login, name=account.name, teams=account.teams)
    actor = Actor(name=f"github:{account.login}", login=account.login, user_id=account.id)
    _acting(actor).record(AuditEvent.LOG_IN, "dashboard")
    return redirect(local_path(str(expected.get("next", ""))))


@pages.post("/logout")
def log_out() -> ResponseReturnValue:
    """End the session of this browser."""
    ended = _services().store.ended_sessions
    actor = sessions.actor(ended)
    sessions.end(ended)
    if actor is not None:
        _acting(actor).record(AuditEvent.LOG_OUT, "dashboard")
    return redirect("/login", code=303)


@pages.get(login_links.PATH)
def show_link() -> ResponseReturnValue:
    """A page with a button: programs that only look at links, as mail and chat do, use none up."""
    token = request.args.get("token", "")
    if not login_links.is_known(_services(), token):
        if sessions.actor(_services().store.ended_sessions) is not None:
            return redirect("/")  # theirs was used a moment ago, and they come back to it
        raise login_links.expired()
    return render_template("login_link.html", token=token)


@pages.post(login_links.PATH)
def use_link() -> ResponseReturnValue:
    """Let whoever has the link in as operator."""
    services = _acting(NOBODY)
    login_links.use(services, request.form.get("token", ""))
    sessions.begin(name="operator")
    has_app = services.github_app.current(is_fresh=True) is not None
    return redirect("/" if has_app else "/setup", code=303)


def _services() -> Services:
    services: Services = current_app.extensions["services"]
    return services


def _acting(actor: Actor) -> Services:
    return _services().acting_as(actor, source=request.remote_addr or "")


def _client(services: Services) -> FlaskOAuth2App:
    app = services.github_app.current(is_fresh=True)
    if app is None or not app.can_log_in:
        raise Conflict(
            "Nobody can log in through GitHub yet.",
            advice="An operator connects GitHub on the page /setup, or sets"
            " COPPICE_GITHUB_CLIENT_ID and COPPICE_GITHUB_CLIENT_SECRET.",
        )
    return _client_of(app, services.github_url)


def _client_of(app: GitHubApp, github_url: str) -> FlaskOAuth2App:
    return FlaskOAuth2App(
        FlaskIntegration(_CLIENT),
        _CLIENT,
        client_id=app.client_id,
        client_secret=app.client_secret,
        authorize_url=f"{github_url}/login/oauth/authorize",
        access_token_url=f"{github_url}/login/oauth/access_token",
        client_kwargs={
            "code_challenge_method": "S256",
            "token_endpoint_auth_method": "client_secret_post",
            "default_timeout": _TIMEOUT_SECONDS,
        },
    )


def _forget_states(*, keep: int) -> None:
    """Forget the oldest log-ins that were begun in this browser and never ended."""
    states = sorted(
        (name for name in session if name.startswith(_STATES)),
        key=lambda name: session[name].get("exp", 0),
    )
    for name in states[: max(0, len(states) - keep)]:
        session.pop(name)


def _expected(client: FlaskOAuth2App) -> dict[str, object]:
    """What was remembered when this log-in began. Raises UnknownState, Forbidden."""
    state = request.args.get("state", "")
    name = f"{_STATES}{state}"
    if session.get(name, {}).get("exp", 0) < time.time():
        raise UnknownState
    if request.args.get("error"):
        session.pop(name)
        raise _denied(request.args["error"])
    expected: dict[str, object] = client.framework.get_state_data(session, state)
    return expected


def _denied(error: str) -> Forbidden:
    if error == "access_denied":
        return Forbidden(
            "You did not allow it at GitHub, so you are not logged in.",
            advice="The service only asks GitHub who you are. Log in again to change your mind.",
        )
    return Forbidden(
        "GitHub did not let you through.",
        advice="The App's page at GitHub must name the callback URL"
        f" {_services().public_url}{CALLBACK_PATH}.",
    )


def _token(client: FlaskOAuth2App) -> str:
    """A token of the person's, for the code in the request."""
    try:
        return str(client.authorize_access_token()["access_token"])
    except OAuthError as error:
        if error.error == "bad_verification_code":
            raise UnknownState from error
        raise GitHubUnavailable("GitHub did not accept the log-in of this service.") from error
    except (requests.RequestException, ValueError, KeyError, TypeError) as error:
        raise GitHubUnavailable("GitHub did not answer; try again in a moment.") from error

"""Set-up: GitHub makes the App from a manifest, and tells the service its secrets."""

import hmac
import json
import re
import secrets
import time
from dataclasses import dataclass
from urllib.parse import urlencode

from flask import Blueprint, current_app, redirect, render_template, request, session
from flask.typing import ResponseReturnValue

from app.core.errors import CoppiceError, Invalid, Unauthorized
from app.core.github_app import CREATED_PATH, EVENTS, manifest, permissions_for, why_out_of_reach
from app.core.identifiers import InstallationId
from app.core.people import Operate, Oversee
from app.operations import access
from app.operations.administration import github_setup
from app.operations.services import Services
from app.web import headers
from app.web.dashboard import fields
from app.web.dashboard.notices import done
from app.web.identity import acting

pages = Blueprint("setup_pages", __name__)

_STATE = "setup"
_STATE_SECONDS = 3600
"""GitHub allows an hour from the manifest to the last step."""
_ORGANIZATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,99}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Owner:
    """The account to which the App will belong."""

    organization: str = ""
    """Empty: the person's own account."""


@pages.get("/setup")
def show() -> ResponseReturnValue:
    """Whether GitHub is connected; if not, whose repositories it is about, and then the button.

    An App belongs to an account, and a private one is installed nowhere else: so that comes first.
    """
    services = acting()
    if _is_from_installation() and not services.actor.is_operator:
        return done("/apps", "installed")
    access.service(services, Oversee)
    operators = sorted(current_app.extensions["operators"])
    app = services.github_app.current(is_fresh=True)
    obstacle = why_out_of_reach(services.public_url, github_url=services.github_url)
    owner, error = _owner()
    is_offered = app is None and obstacle is None and owner is not None
    if is_offered:
        headers.allow_forms_to(services.github_url)
    is_public = request.args.get("public") == "yes"
    page = render_template(
        "setup.html",
        app=app,
        page_url=github_setup.page_of(services, app) if app else "",
        installation=_installation(services) if app else "",
        is_installed=_is_installed(services) if app else None,
        is_from_settings=services.github_app.is_from_settings,
        error=error,
        obstacle=obstacle,
        owner=owner,
        is_public=is_public,
        target=_target(services, owner) if is_offered and owner else "",
        manifest=json.dumps(
            manifest(services.public_url, operators=operators, is_public=is_public)
        ),
        permissions=permissions_for(operators),
        events=EVENTS,
        services=services,
    )
    return page, fields.status_of(error)


@pages.get(CREATED_PATH)
def created() -> ResponseReturnValue:
    """GitHub sends the browser back here, with a code for the new App's secrets."""
    services = _acting_after_github()
    operator = access.service(services, Operate)
    kept = session.pop(_STATE, None) or {}
    given = request.args.get("state", "")
    is_expected = hmac.compare_digest(given.encode(), str(kept.get("state", "")).encode())
    if not given or not is_expected or kept.get("until", 0) < time.time():
        raise Invalid(
            "This answer of GitHub's does not belong to a set-up that was begun in this browser"
            " within the last hour, or was used already.",
            advice=f"Begin again at {services.public_url}/setup. If GitHub made an App meanwhile,"
            " delete it there.",
        )
    github_setup.connect(operator, request.args.get("code", ""))
    return redirect("/setup", code=303)


@pages.get("/setup/forget")
def ask_to_forget(error: CoppiceError | None = None) -> ResponseReturnValue:
    services = access.service(acting(), Oversee).subject
    app = services.github_app.current(is_fresh=True)
    if app is None or services.github_app.is_from_settings:
        return redirect("/setup", code=303)
    page = render_template("setup_forget.html", app=app, error=error)
    return page, fields.status_of(error)


@pages.post("/setup/forget")
def forget() -> ResponseReturnValue:
    """Be no App any more, so that another one can be made."""
    operator = access.service(acting(), Operate)
    services = operator.subject
    app = services.github_app.current(is_fresh=True)
    if app is not None and not services.github_app.is_from_settings:
        try:
            fields.confirm(str(app.app_id))
        except CoppiceError as error:
            return ask_to_forget(error)
    github_setup.disconnect(operator)
    return done("/setup", "forgotten")


def _is_from_installation() -> bool:
    """Whether GitHub seems to have sent the browser back after it installed the App somewhere.

    https://docs.github.com/en/apps/creating-github-apps/registering-a-github-app/about-the-setup-url
    """
    return "installation_id" in request.args or request.args.get("setup_action") == "request"


def _installation(services: Services) -> str:
    """What became of the installation that GitHub sent the browser back from; empty: of none.

    Anybody can make up such an address, so GitHub is asked.
    """
    if not _is_from_installation():
        return ""
    if request.args.get("setup_action") == "request":
        return "requested"
    installation_id = fields.cursor("installation_id")
    try:
        state = services.github.installation_state(InstallationId(installation_id or 0))
    except CoppiceError:
        return "unconfirmed"
    return state.value


def _is_installed(services: Services) -> bool | None:
    """Whether some account has installed the App; None while GitHub does not say."""
    try:
        return bool(services.github.installations())
    except CoppiceError:
        return None


def _owner() -> tuple[Owner | None, CoppiceError | None]:
    """Whose App it is to be, as the page was asked; None: nobody has said yet."""
    if request.args.get("account") == "own":
        return Owner(), None
    if "organization" not in request.args:
        return None, None
    name = request.args["organization"].strip()
    if _ORGANIZATION.fullmatch(name):
        return Owner(organization=name), None
    problem = f"{name!r} is no name of an organization." if name else "No organization was named."
    advice = "Write its name as in the address of its page at GitHub."
    return None, Invalid(problem, advice=advice)


def _target(services: Services, owner: Owner) -> str:
    """Where at GitHub the App is made.

    https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
    """
    place = "/settings/apps/new"
    if owner.organization:
        place = f"/organizations/{owner.organization}{place}"
    return f"{services.github_url}{place}?{urlencode({'state': _state()})}"


def _state() -> str:
    """What GitHub must bring back; the same for all tabs of a session, for an hour at least."""
    kept = session.get(_STATE) or {}
    state = kept.get("state") if kept.get("until", 0) > time.time() else None
    state = str(state or secrets.token_urlsafe(32))
    session[_STATE] = {"state": state, "until": int(time.time()) + _STATE_SECONDS}
    return state


def _acting_after_github() -> Services:
    try:
        return acting()
    except Unauthorized as error:
        services: Services = current_app.extensions["services"]
        raise Invalid(
            "Nobody is logged in here any more, so the App was not connected.",
            advice=f"Open {services.public_url} at exactly this address, log in, and begin again at"
            " /setup; delete the App that GitHub made.",
        ) from error

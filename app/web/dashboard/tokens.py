"""Tokens of the API: made, shown once, revoked."""

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.errors import CoppiceError, Invalid
from app.core.identifiers import AppId, TokenId
from app.core.people import See
from app.operations import access
from app.operations.administration import tokens
from app.operations.administration.tokens import LONGEST_DAYS, LONGEST_NAME, TokenRequest
from app.operations.services import Services
from app.web.dashboard import fields
from app.web.dashboard.notices import done
from app.web.identity import acting

pages = Blueprint("tokens", __name__, url_prefix="/tokens")


@pages.get("")
def index(error: CoppiceError | None = None) -> ResponseReturnValue:
    services = acting()
    page = render_template(
        "tokens.html",
        tokens=tokens.visible(services),
        apps=access.apps(services),
        given=request.form,
        error=error,
        now=services.clock(),
        longest_name=LONGEST_NAME,
    )
    return page, fields.status_of(error)


@pages.post("")
def make() -> ResponseReturnValue:
    """The answer holds the token itself, which nothing else ever will."""
    services = acting()
    try:
        token, secret = tokens.make(services, _wanted(services))
    except CoppiceError as error:
        return index(error)
    return render_template("token.html", token=token, secret=secret), 201


@pages.post("/<int:token_id>/revoke")
def revoke(token_id: int) -> ResponseReturnValue:
    tokens.revoke(acting(), TokenId(token_id))
    return done(url_for(".index"), "revoked")


def _wanted(services: Services) -> TokenRequest:
    app_id = fields.text("app")
    app = access.app(services, AppId(app_id), See) if app_id else None
    days = fields.text("days")
    if days and not (days.isascii() and days.isdecimal()):
        raise Invalid(f"A token lasts between 1 and {LONGEST_DAYS} days.")
    return TokenRequest(
        name=fields.text("name"),
        app=app,
        is_read_only=fields.text("rights") == "read",
        days=int(days) if days else None,
    )

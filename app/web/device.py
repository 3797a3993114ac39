"""The page on which a person confirms the code that `coppice login` shows."""

from flask import Blueprint, render_template, request
from flask.typing import ResponseReturnValue

from app.core.errors import NotFound
from app.operations.administration import device_logins
from app.web.api.login import PAGE
from app.web.identity import acting

pages = Blueprint("device", __name__)


@pages.get(PAGE)
def ask() -> ResponseReturnValue:
    """Ask for the code. It is never part of an address: a link must not log anybody in."""
    acting()
    return render_template("device.html")


@pages.post(PAGE)
def confirm() -> ResponseReturnValue:
    """Show who asks, or with an answer let them in or send them away."""
    services = acting()
    code, answer = request.form.get("code", "")[:40], request.form.get("answer", "")
    try:
        if answer in {"confirm", "refuse"}:
            found = device_logins.answer(services, code, is_confirmed=answer == "confirm")
            return render_template("device.html", waiting=found, answer=answer)
        return render_template("device.html", waiting=device_logins.waiting(services, code))
    except NotFound as error:
        return render_template("device.html", problem=error), error.http_status

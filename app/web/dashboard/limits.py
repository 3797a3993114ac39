"""What an instance allows, and handing it over: the operator's forms and the page of the link."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core.connections import USUAL
from app.core.errors import CoppiceError, Invalid
from app.core.limits import LIMITS, SIZE, Limits, parse_size, written
from app.core.people import Operate, Oversee
from app.core.rules import Rule
from app.operations import access
from app.operations.administration import claims, limits
from app.web.dashboard import fields
from app.web.dashboard.notices import done
from app.web.identity import acting

pages = Blueprint("limits", __name__)


@pages.get("/instances/<name>/limits")
def edit(name: str, error: CoppiceError | None = None) -> ResponseReturnValue:
    services = acting()
    instance = access.instance(services, name, Oversee).subject
    given = request.form if request.method == "POST" else _of(services.store.limits.of(instance.id))
    page = render_template("limits.html", instance=instance, given=given, rules=LIMITS, error=error)
    return page, fields.status_of(error)


@pages.post("/instances/<name>/limits")
def save(name: str) -> ResponseReturnValue:
    services = acting()
    instance = access.instance(services, name, Operate)
    try:
        exceeded = limits.set_limits(services, instance, _limits())
    except CoppiceError as error:
        return edit(name, error)
    # The page has each that is exceeded, among what is to be known of the instance's health.
    where = url_for("dashboard.instances.show", name=name, _anchor="health" if exceeded else None)
    return done(where, "limited-exceeded" if exceeded else "limited")


@pages.get("/instances/<name>/offer")
def ask_to_offer(name: str, error: CoppiceError | None = None) -> ResponseReturnValue:
    page = render_template(
        "offer.html",
        instance=access.instance(acting(), name, Oversee).subject,
        given=request.form or {"days": "7"},
        rules=LIMITS,
        error=error,
        link=None,
    )
    return page, fields.status_of(error)


@pages.post("/instances/<name>/offer")
def offer(name: str) -> ResponseReturnValue:
    """Show the link, this once."""
    services = acting()
    instance = access.instance(services, name, Operate)
    try:
        valid = timedelta(days=_number("days", "The number of days", empty="7") or 7)
        link = claims.offer(services, instance, plan=_limits(), valid=valid)
    except CoppiceError as error:
        return ask_to_offer(name, error)
    return render_template("offer.html", instance=instance.subject, link=link, days=valid.days)


@pages.get("/claim/<secret>")
def ask_to_claim(secret: str, error: CoppiceError | None = None) -> ResponseReturnValue:
    services = acting()
    instance, claim = claims.offered(services, secret)
    page = render_template(
        "claim.html",
        instance=instance,
        plan=limits.described(claim.limits),
        apps=services.store.apps.assignments(instance_id=instance.id),
        error=error,
    )
    return page, fields.status_of(error)


@pages.post("/claim/<secret>")
def claim(secret: str) -> ResponseReturnValue:
    services = acting()
    try:
        instance = claims.claim(services, secret)
    except CoppiceError as error:
        return ask_to_claim(secret, error)
    return done(url_for("dashboard.instances.show", name=instance.name), "claimed")


def _limits() -> Limits:
    return Limits(**{rule.name: _value(rule) for rule in LIMITS})


def _value(rule: Rule) -> Any:
    if rule.kind is bool:
        return fields.is_checked(rule.name)
    if rule.metavar == SIZE:
        given = fields.text(rule.name)
        return parse_size(given) if given else None
    empty = f"the usual {USUAL}" if rule.name == "connections" else "no limit"
    return _number(rule.name, f"The number of {rule.label.lower()}", empty=empty)


def _number(name: str, label: str, *, empty: str) -> int | None:
    given = fields.text(name)
    if not given:
        return None
    if not given.isascii() or not given.isdecimal() or len(given) > 9:
        raise Invalid(
            f"{label} must be a whole number, written with digits alone.",
            advice=f"Leave it empty for {empty}.",
        )
    return int(given)


def _of(present: Limits) -> Mapping[str, str]:
    values = [(rule, getattr(present, rule.name)) for rule in LIMITS]
    return {
        rule.name: written(value) if rule.metavar == SIZE else str(value)
        for rule, value in values
        if value
    }

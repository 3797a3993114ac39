"""Instances: the list, and one with its apps and databases."""

from contextlib import suppress

from flask import Blueprint, current_app, render_template, url_for
from flask.typing import ResponseReturnValue

from app.core import connections
from app.core.errors import CoppiceError, ProvisioningFailed, TransientError
from app.core.findings import Acknowledgement, Finding, acknowledged
from app.core.instances import Instance, InstanceStatus
from app.core.people import Manage, Oversee, SeeServer
from app.core.reach import obstacle
from app.operations import access
from app.operations.access import Doing, Permitted
from app.operations.administration import acknowledgements, deletions, instances
from app.operations.administration.instance_overviews import InstanceOverview, overviews
from app.operations.administration.limits import described
from app.operations.databases import measuring
from app.operations.services import Services
from app.web.dashboard import fields, notices, tables
from app.web.dashboard.notices import done
from app.web.identity import acting

pages = Blueprint("instances", __name__)


@pages.get("/instances")
def index() -> ResponseReturnValue:
    """Operators see all; everybody else those that they claimed, and without one no such page."""
    services = acting()
    found = sorted(access.instances_run(services), key=lambda one: one.name)
    if not found:
        access.service(services, Oversee)
    shown = overviews(services.store, found)
    is_busy = any(_is_busy(services, one) for one in shown)
    return render_template("instances.html", instances=shown, is_busy=is_busy)


@pages.get("/instances/<name>")
def show(name: str) -> ResponseReturnValue:
    services, instance = _found(name, SeeServer)
    [shown] = overviews(services.store, [instance.subject])
    apps = services.store.apps.known({one.app_id for one in shown.databases})
    repositories = services.store.repositories.known({one.repository_id for one in apps.values()})
    abilities = {
        app_id: tables.abilities(services, app, repositories.get(app.repository_id))
        for app_id, app in apps.items()
    }
    rows = tables.rows(
        services,
        shown.databases,
        abilities=abilities,
        assignments=[one.assignment for one in shown.apps],
    )
    return render_template(
        "instance.html",
        shown=shown,
        instance=shown.instance,
        rows=rows,
        is_busy=_is_busy(services, shown) or any(row.is_migrating for row in rows),
        notice=_notice(services, shown),
        obstacle=obstacle(shown.instance),
        limits=described(shown.limits),
        trial=services.store.measurements.trial_of(shown.instance.id),
        findings=_findings(services, shown.instance),
        connections=connections.described(
            shown.limits.connections, room=shown.measurement.room if shown.measurement else None
        ),
    )


def _is_busy(services: Services, shown: InstanceOverview) -> bool:
    """Whether something is on its way, so that the page should follow it."""
    return shown.status is InstanceStatus.CREATING or tables.is_busy(services, shown.databases)


def _notice(services: Services, shown: InstanceOverview) -> notices.Notice | None:
    changed = next((one for one in shown.databases if one.id == notices.subject()), None)
    if changed is not None:
        return notices.of_database(changed, is_awaited=tables.is_busy(services, shown.databases))
    return notices.of_server(is_failing=shown.failure is not None)


@pages.post("/instances/<name>/test")
def test(name: str) -> ResponseReturnValue:
    """Ask the server now, and try there what databases need; what it says is stored and shown."""
    services, instance = _found(name, Manage)
    with suppress(ProvisioningFailed, TransientError):  # recorded, and shown
        instances.test(services, instance)
    if services.store.hosts.is_here(instance.subject):
        measuring.measure_instance(services, instance.subject.id)
    return done(url_for(".show", name=name, _anchor="health"), "measured")


@pages.post("/instances/<name>/acknowledge/<code>")
def acknowledge(name: str, code: str) -> ResponseReturnValue:
    """Accept a finding, or with `withdraw` accept it no longer."""
    services, instance = _found(name, Manage)
    is_withdrawn = fields.is_checked("withdraw")
    act = acknowledgements.withdraw if is_withdrawn else acknowledgements.acknowledge
    act(services, instance, code)
    what = "withdrawn" if is_withdrawn else "acknowledged"
    return done(url_for(".show", name=name, _anchor="health"), what)


@pages.get("/instances/<name>/delete")
def ask_to_delete(name: str, error: CoppiceError | None = None) -> ResponseReturnValue:
    services, instance = _found(name, SeeServer)
    [shown] = overviews(services.store, [instance.subject])
    page = render_template(
        "instance_delete.html", shown=shown, instance=shown.instance, error=error
    )
    return page, fields.status_of(error)


@pages.post("/instances/<name>/delete")
def delete(name: str) -> ResponseReturnValue:
    services, instance = _found(name, Manage)
    try:
        fields.confirm(name)
        is_gone = deletions.delete(services, current_app.extensions["clusters"], instance)
    except CoppiceError as error:
        return ask_to_delete(name, error)
    has_others = services.actor.is_operator or access.instances_run(services)
    where = ".index" if has_others else "dashboard.apps.index"
    return done(url_for(where), "instance-deleted" if is_gone else "instance-going")


def _found(name: str, act: type[Doing]) -> tuple[Services, Permitted[Instance, Doing]]:
    services = acting()
    return services, access.instance(services, name, act)


def _findings(
    services: Services, instance: Instance
) -> list[tuple[Finding, Acknowledgement | None]]:
    """What to know of its server, what nobody has accepted so far first."""
    accepted = services.store.acknowledgements.of_instance(instance.id)
    known = acknowledgements.known(services, instance)
    found = [(one, acknowledged(one, accepted)) for one in known]
    return sorted(found, key=lambda one: one[1] is not None)

"""Instances: the list, and one with its apps and databases."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from flask import Blueprint, current_app, render_template, url_for
from flask.typing import ResponseReturnValue

from app.core.assignments import Assignment
from app.core.databases import Database, DatabaseState
from app.core.errors import CoppiceError, TransientError
from app.core.hosts import Host, silent_host, unreachable
from app.core.identifiers import AppId, RepositoryId
from app.core.instances import Instance, InstanceKind
from app.core.lifecycle import InstanceStatus, instance_status
from app.core.limits import Limits, Remark, remarks, total_excess
from app.core.repositories import Repository
from app.operations.administration import deletions, neighbours
from app.operations.administration.limits import described
from app.operations.databases import measuring
from app.operations.ports.measurements import InstanceMeasurement
from app.operations.services import Services
from app.web import sight
from app.web.dashboard import fields, tables
from app.web.dashboard.notices import done
from app.web.identity import acting, require_operator

pages = Blueprint("instances", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class AssignedApp:
    """An app of an instance."""

    assignment: Assignment
    repository: Repository | None
    databases: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """An instance as people look at it."""

    instance: Instance
    status: InstanceStatus
    apps: tuple[AssignedApp, ...]
    databases: tuple[Database, ...]
    size_bytes: int | None
    """Of those databases that were measured; None before the first measurement."""
    remarks: tuple[Remark, ...]
    """What people should know of these sizes."""
    measurement: InstanceMeasurement | None
    host: Host | None
    """The machine that its server stands on; None for linked ones."""
    unreachable: str | None
    """Since when that machine is silent, for a person."""
    is_awaited: bool
    """Something is on its way."""
    limits: Limits
    owner: str | None
    """Login of the account that claimed it."""

    @property
    def failure(self) -> str | None:
        """Why its server cannot be used at present, on one line."""
        if self.unreachable:
            return None
        return self.measurement.failure if self.measurement else None

    @property
    def failed(self) -> tuple[Database, ...]:
        """Databases of assigned apps that make the status Error though the server answers."""
        assigned = {one.assignment.app.id for one in self.apps}
        return tuple(
            one
            for one in self.databases
            if one.state is DatabaseState.ERROR and one.app_id in assigned
        )

    @property
    def over_limit(self) -> bool:
        """Whether all that is on it leaves no room for another database."""
        return total_excess(self.limits, self.size_bytes or 0) is not None

    @property
    def is_provisioned(self) -> bool:
        return self.instance.kind is InstanceKind.PROVISIONED

    @property
    def is_busy(self) -> bool:
        """Whether something is on its way, so that the page should follow it."""
        return self.status is InstanceStatus.CREATING or self.is_awaited


def operator() -> Services:
    """The collaborators, for an operator. Raises Unauthorized, Forbidden."""
    services = acting()
    require_operator(services)
    return services


def steward(name: str) -> Services:
    """The collaborators, for who runs an instance: operators, and the account that claimed it."""
    services = acting()
    sight.stewarded(services, name)
    return services


@pages.get("/instances")
def index() -> ResponseReturnValue:
    """Operators see all; everybody else those that they claimed, and without one no such page."""
    services = acting()
    found = sorted(sight.instances_run(services), key=lambda one: one.name)
    if not found:
        require_operator(services)
    return render_template("instances.html", instances=_shown(services, found))


@pages.get("/instances/<name>")
def show(name: str) -> ResponseReturnValue:
    services = steward(name)
    [shown] = _shown(services, [services.instances.named(name)])
    apps = services.apps.known({one.app_id for one in shown.databases})
    repositories = _repositories(services)
    owners: dict[AppId, Repository | None] = {
        app_id: repositories.get(app.repository_id) for app_id, app in apps.items()
    }
    rows = tables.rows(
        services,
        shown.databases,
        abilities={
            app_id: tables.abilities(services, app, owners[app_id]) for app_id, app in apps.items()
        },
        repositories=owners,
        assignments=services.apps.assignments(instance_id=shown.instance.id),
    )
    return render_template(
        "instance.html",
        shown=shown,
        instance=shown.instance,
        rows=rows,
        is_busy=shown.is_busy or any(row.is_migrating for row in rows),
        limits=described(shown.limits),
        neighbours=neighbours.remarks(
            services,
            shown.instance,
            shown.measurement.system_identifier if shown.measurement else None,
        ),
    )


@pages.post("/instances/<name>/test")
def test(name: str) -> ResponseReturnValue:
    """Ask the server now; what it says is stored and shown."""
    services = steward(name)
    instance = services.instances.named(name)
    if services.hosts.is_here(instance):
        measuring.measure_instance(services, instance.id)
    else:
        with suppress(TransientError):  # stored, or it takes longer: the page shows it then
            measuring.ask_for_person(services, instance)
    return done(url_for(".show", name=name, _anchor="health"), "measured")


@pages.get("/instances/<name>/delete")
def ask_to_delete(name: str, error: CoppiceError | None = None) -> ResponseReturnValue:
    services = steward(name)
    [shown] = _shown(services, [services.instances.named(name)])
    page = render_template(
        "instance_delete.html", shown=shown, instance=shown.instance, error=error
    )
    return page, fields.status_of(error)


@pages.post("/instances/<name>/delete")
def delete(name: str) -> ResponseReturnValue:
    services = steward(name)
    try:
        fields.confirm(services.instances.named(name).name)
        is_gone = deletions.delete(services, current_app.extensions["clusters"], name)
    except CoppiceError as error:
        return ask_to_delete(name, error)
    has_others = services.actor.is_operator or sight.instances_run(services)
    where = ".index" if has_others else "dashboard.apps.index"
    return done(url_for(where), "instance-deleted" if is_gone else "instance-going")


def _shown(services: Services, found: Sequence[Instance]) -> list[Shown]:
    """Read together, so that the number of queries does not grow with what is on an instance."""
    repositories = _repositories(services)
    assignments = services.apps.assignments()
    databases = services.databases.all()
    sizes = services.measurements.sizes([one.id for one in databases])
    measurements = services.measurements.of_instances([one.id for one in found])
    hosts = services.hosts.known()
    shown = []
    for instance in found:
        ours = tuple(one for one in databases if one.instance_id == instance.id)
        apps = tuple(
            AssignedApp(
                assignment=one,
                repository=repositories.get(one.app.repository_id),
                databases=len([each for each in ours if each.app_id == one.app.id]),
            )
            for one in assignments
            if one.instance_id == instance.id
        )
        app_ids = {one.assignment.app.id for one in apps}
        claim = services.claims.of_instance(instance.id)
        measured = [(one, sizes[one.id]) for one in ours if one.id in sizes]
        limits = services.limits.of(instance.id)
        measurement = measurements.get(instance.id)
        silent = silent_host(instance, hosts, here=services.hosts.here)
        shown.append(
            Shown(
                instance=instance,
                status=instance_status(
                    (one.state for one in ours if one.app_id in app_ids),
                    is_assigned=bool(apps),
                    is_failing=measurement is not None and measurement.failure is not None,
                    is_unreachable=silent is not None,
                ),
                apps=apps,
                databases=ours,
                size_bytes=sum(size for _, size in measured) if measured else None,
                remarks=remarks(limits, measured),
                measurement=measurement,
                host=hosts.get(instance.host) if instance.host else None,
                unreachable=unreachable(silent) if silent else None,
                is_awaited=tables.is_busy(services, ours),
                limits=limits,
                owner=claim.owner_login if claim else None,
            )
        )
    return shown


def _repositories(services: Services) -> dict[RepositoryId, Repository]:
    return {repository.id: repository for repository in services.repositories.all()}

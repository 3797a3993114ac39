"""The API for PostgreSQL servers."""

from dataclasses import replace
from typing import Any

from flask import current_app
from flask_openapi3.models.tag import Tag

from app.core.findings import ServerReport
from app.core.instance_requests import InstanceChanges, LinkRequest, ProvisionRequest
from app.core.instances import Instance
from app.core.people import Connect, Manage, Operate, See, SeeServer, Wanted, refusal
from app.operations import access
from app.operations.access import Doing, Permitted
from app.operations.administration import acknowledgements, deletions, instances, machines
from app.operations.administration.instance_overviews import overviews
from app.operations.apps import Assigned
from app.operations.services import Services
from app.web.api.instance_models import (
    EditInstance,
    HowToDeleteInstance,
    InstanceList,
    InstanceProvisioned,
    InstanceShown,
    InstanceTested,
    LinkInstance,
    OfFinding,
    OfInstance,
    ProvisionInstance,
)
from app.web.api.server_models import ServerHealth, ServerTest
from app.web.api.shapes import ERRORS, PERSON, Answered, Part
from app.web.identity import acting

api = Part(
    "instances",
    __name__,
    url_prefix="/api/v1/instances",
    abp_tags=[Tag(name="instances", description="PostgreSQL servers; operators change them")],
    abp_security=PERSON,
    abp_responses=ERRORS,
)


@api.get("", responses={200: InstanceList})
def list_() -> dict[str, Any]:
    """List the instances of your apps; operators see all."""
    services = acting()
    found = sorted(access.instances(services), key=lambda one: one.name)
    items = [shown(services, instance) for instance in found]
    return InstanceList(items=items).model_dump()


@api.post("/provision", responses={201: InstanceProvisioned})
def provision(body: ProvisionInstance) -> Answered:
    """Start a PostgreSQL server of Coppice's own, on the machine of this web server.

    Refused (409 `not_looked_after`) while Coppice works on other machines and this one has neither
    `serve` nor `worker`.
    """
    operator = access.service(acting(), Operate)
    services, clusters = operator.subject, current_app.extensions["clusters"]
    is_looked_after = machines.is_looked_after(services.store, clusters)
    instance = instances.provision(operator, clusters, body.read(ProvisionRequest))
    provisioned = InstanceProvisioned(
        **shown(services, instance).model_dump(),
        looked_after=is_looked_after,
        github_connected=services.github_app.current() is not None,
    )
    return provisioned.model_dump(), 201


@api.post("/link", responses={201: InstanceTested})
def link(body: LinkInstance) -> Answered:
    """Use an existing PostgreSQL server, after a test of what it allows."""
    operator = access.service(acting(), Operate)
    return _tested(operator.subject, *instances.link(operator, body.read(LinkRequest))), 201


@api.post("/link/test", responses={200: ServerTest})
def test_link(body: LinkInstance) -> dict[str, Any]:
    """Try what linking would: connect, use a throw-away database there, say what is missing.

    Stores nothing.
    """
    _, report = instances.try_link(access.service(acting(), Operate), body.read(LinkRequest))
    return ServerTest.of(report).model_dump(mode="json")


@api.get("/<instance>", responses={200: InstanceShown})
def show(path: OfInstance) -> dict[str, Any]:
    """Show one instance."""
    services, instance = _found(path, See)
    return shown(services, instance.subject).model_dump()


@api.patch("/<instance>", responses={200: InstanceTested})
def edit(path: OfInstance, body: EditInstance) -> dict[str, Any]:
    """Change an instance; it is tested before the change is stored."""
    services, instance = _found(path, Manage)
    return _tested(services, *instances.edit(services, instance, body.read(InstanceChanges)))


@api.post("/<instance>/test", responses={200: ServerTest})
def test(path: OfInstance) -> dict[str, Any]:
    """Connect to an instance, use a throw-away database there, say what is missing."""
    services, instance = _found(path, Manage)
    report = instances.test(services, instance)
    accepted = services.store.acknowledgements.of_instance(instance.subject.id)
    return ServerTest.of(report, accepted).model_dump(mode="json")


@api.get("/<instance>/health", responses={200: ServerHealth})
def health(path: OfInstance) -> dict[str, Any]:
    """Show how the server did when it was last measured, and what was last tried there."""
    services, permitted = _found(path, SeeServer)
    instance = permitted.subject
    return ServerHealth.of(
        services.store.measurements.of_instance(instance.id),
        findings=acknowledgements.known(services, instance),
        accepted=services.store.acknowledgements.of_instance(instance.id),
        trial=services.store.measurements.trial_of(instance.id),
    ).model_dump(mode="json")


@api.put("/<instance>/acknowledgements/<code>", responses={204: None})
def acknowledge(path: OfFinding) -> Answered:
    """Accept what is found under a code at present: it stays to be seen, with who and when.

    What prevents work cannot be accepted.
    """
    services, instance = _found(path, Manage)
    acknowledgements.acknowledge(services, instance, path.code)
    return "", 204


@api.delete("/<instance>/acknowledgements/<code>", responses={204: None})
def withdraw(path: OfFinding) -> Answered:
    """Accept it no longer, whoever did."""
    services, instance = _found(path, Manage)
    acknowledgements.withdraw(services, instance, path.code)
    return "", 204


@api.delete("/<instance>", responses={202: None, 204: None})
def delete(path: OfInstance, query: HowToDeleteInstance) -> Answered:
    """Remove a provisioned instance with all its data, or forget a linked one.

    Refused while an app is assigned to it. Cannot be undone. 202: the machine that it stands on has
    not come to it yet.
    """
    services, instance = _found(path, Manage)
    if query.lost:
        deletions.forget_lost(services, access.instance(services, path.instance, Operate))
        return "", 204
    is_gone = deletions.delete(services, current_app.extensions["clusters"], instance)
    return "", 204 if is_gone else 202


def _tested(services: Services, instance: Instance, report: ServerReport) -> dict[str, Any]:
    accepted = services.store.acknowledgements.of_instance(instance.id)
    tested = InstanceTested(
        **shown(services, instance).model_dump(),
        test=ServerTest.of(report, accepted),
        github_connected=services.github_app.current() is not None,
    )
    return tested.model_dump(mode="json")


def _found(path: OfInstance, act: type[Doing]) -> tuple[Services, Permitted[Instance, Doing]]:
    services = acting()
    return services, access.instance(services, path.instance, act)


def shown(services: Services, instance: Instance) -> InstanceShown:
    """With the apps and databases that the actor may see; all that an operator asks for."""
    [whole] = overviews(services.store, [instance])
    is_steward = instance.id in {one.id for one in access.instances_run(services)}
    may_connect = is_steward
    if not is_steward:
        apps = tuple(one for one in access.apps(services) if one.instance.id == instance.id)
        ids = {one.app.id for one in apps}
        databases = tuple(one for one in whole.databases if one.app_id in ids)
        whole = replace(whole, apps=apps, databases=databases)
        # Not for all readers: of a public repository that is everybody.
        may_connect = any(_may_connect(services, one) for one in apps)
    return InstanceShown.of(whole, is_steward=is_steward, may_connect=may_connect)


def _may_connect(services: Services, assigned: Assigned) -> bool:
    """Whether the actor may have connection strings of the app, as far as GitHub was asked."""
    permission = access.permission(services, assigned.repository)
    wanted = Wanted(act=Connect, app_id=assigned.app.id)
    return refusal(services.actor, wanted, permission=permission) is None

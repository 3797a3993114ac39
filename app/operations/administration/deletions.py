"""Instances that are deleted, and servers that such ones left behind."""

from contextlib import suppress

from app.core.audit import AuditEvent
from app.core.errors import Conflict, NotFound
from app.core.hosts import OnAnotherHost, may_be_its_server
from app.core.instances import Instance, InstanceKind, ServerHere
from app.core.intents import DeleteInstance
from app.core.people import Manage, Operate
from app.operations.access import Permitted
from app.operations.administration.instance_requests import Clusters
from app.operations.databases import elsewhere
from app.operations.services import Services
from app.store.store import Store

_FORGET = "(`coppice instances delete NAME --lost`)"


def delete(services: Services, clusters: Clusters, permitted: Permitted[Instance, Manage]) -> bool:
    """Forget a linked instance; remove a provisioned one with all its data.

    One on another machine is removed by that, which is waited for for a while. Raises Conflict
    while an app is assigned to it, OnAnotherHost while that machine is silent. Cannot be undone;
    one that was cut off, or failed, leaves the instance there to be deleted again.

    Returns:
        Whether it is gone; False: its machine has not come to it yet.
    """
    instance = permitted.subject
    if services.store.hosts.is_here(instance):
        remove(services.store, clusters, instance)
    else:
        _need_its_machine(services.store, instance)
        services.store.instances.begin_deletion(instance.id)
        services.store.queue.add([DeleteInstance(instance_id=instance.id)])
    services.record(AuditEvent.INSTANCES_DELETE, instance.name)
    return elsewhere.wait_until(
        lambda: not services.store.instances.known([instance.id]), doing=f"Deleting {instance.name}"
    )


def forget_lost(services: Services, permitted: Permitted[Instance, Operate]) -> None:
    """Forget an instance whose machine is gone for good; files that are left there stay.

    Raises Conflict unless that machine is silent, and while an app is assigned to the instance.
    """
    instance = permitted.subject
    _check_lost(services.store, instance)
    services.store.instances.begin_deletion(instance.id)
    services.store.instances.forget(instance.id)
    services.record(AuditEvent.INSTANCES_DELETE, instance.name)


def remove(store: Store, clusters: Clusters, instance: Instance) -> None:
    """Do what `delete` says, on the machine of the instance. May be repeated."""
    if not store.hosts.is_here(instance):
        raise OnAnotherHost(instance, store.hosts.of(instance))
    is_ours = instance.kind is InstanceKind.PROVISIONED
    if is_ours:
        store.hosts.claim()
    identity = clusters.identity(instance.name)
    store.instances.begin_deletion(instance.id)
    if is_ours:
        clusters.destroy(instance.name, identity=identity)
    store.instances.forget(instance.id)


def _need_its_machine(store: Store, instance: Instance) -> None:
    try:
        elsewhere.need_alive(store, instance)
    except OnAnotherHost as error:
        way = (
            " If that machine never comes back, forget the instance on the command line"
            " (`coppice instances delete NAME --lost`)."
        )
        error.advice += way.replace("NAME", instance.name)
        raise


def _check_lost(store: Store, instance: Instance) -> None:
    """Raise Conflict unless nobody can remove its server properly."""
    host = store.hosts.of(instance)
    if instance.kind is not InstanceKind.PROVISIONED or (host is not None and not host.is_silent):
        raise Conflict(
            f"The machine of {instance.name} is not lost: "
            + ("it is linked." if host is None else f"{host.name} gives signs of life."),
            advice="Delete it in the ordinary way (without --lost).",
        )


def leftover(
    permitted: Permitted[Services, Operate], clusters: Clusters, name: str
) -> ServerHere | None:
    """The server that an earlier instance left on this machine; None: there is none.

    An instance of this name may be linked, or stand on another machine. Starts the server, to
    look. Raises Conflict when it may be that of one which is still known.
    """
    services = permitted.subject
    with suppress(NotFound):
        known = services.store.instances.named(name)
        if known.kind is InstanceKind.PROVISIONED and services.store.hosts.is_here(known):
            return None
    found = clusters.leftover(name)
    if found is not None:
        _refuse_in_use(services.store, found)
    return found


def _refuse_in_use(store: Store, found: ServerHere) -> None:
    known = store.instances.all()
    measured = store.measurements.of_instances([one.id for one in known])
    hosts = store.hosts.known()
    for one in known:
        measurement = measured.get(one.id)
        identifier = measurement.system_identifier if measurement else None
        host = hosts.get(one.host) if one.host else None
        if may_be_its_server(one, host, identifier, found):
            is_linked = one.kind is not InstanceKind.PROVISIONED
            way = "(`coppice instances delete NAME`)" if is_linked else _FORGET
            raise Conflict(
                f"The server named {found.name} on this machine may be the one of the instance"
                f" {one.name}: nothing was removed.",
                advice="If nothing of it is needed, forget that instance first"
                f" {way.replace('NAME', one.name)}.",
            )


def remove_leftover(permitted: Permitted[Services, Operate], clusters: Clusters, name: str) -> None:
    """Remove such a server with all its data. Cannot be undone."""
    identity = clusters.identity(name)
    if leftover(permitted, clusters, name) is not None:
        clusters.destroy(name, identity=identity)
        permitted.subject.record(
            AuditEvent.INSTANCES_DELETE, name, detail="left by an earlier instance"
        )

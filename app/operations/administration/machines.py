"""The machines that servers of Coppice's own stand on: what `doctor` says, who keeps them up."""

from collections.abc import Iterator

from app.core.hosts import NotLookedAfter, OnAnotherHost, unreachable
from app.core.instances import Instance, InstanceKind
from app.operations.administration.diagnosis import Diagnosis, Health, ok, warning
from app.operations.administration.instance_requests import Clusters
from app.operations.administration.surroundings import Surroundings
from app.store.store import Store


def this(store: Store, surroundings: Surroundings) -> Iterator[Diagnosis]:
    """Whether another place has this machine's id, a worker is here, and nothing is left over."""
    ours = [
        one.name
        for one in store.instances.all()
        if one.kind is InstanceKind.PROVISIONED and store.hosts.is_here(one)
    ]
    if ours:
        store.hosts.claim()
        host = store.hosts.known()[store.hosts.here]
        if host.is_silent and store.queue.traffic().workers:
            yield Diagnosis(
                what="this machine",
                health=Health.BROKEN,
                words=f"no worker works here, and no other can reach {', '.join(ours)}",
                advice="Start `coppice serve`, or `coppice worker`, on this machine.",
            )
    for name in surroundings.servers():
        if name not in ours:
            yield warning(
                f"server {name}",
                "stands on this machine and is no instance of it: an earlier one left it",
                f"Remove it with all its data, if nothing of it is needed: coppice instances"
                f" delete {name} --leftover",
            )


def is_looked_after(store: Store, clusters: Clusters) -> bool:
    """Whether a worker of this machine gave a sign of life lately, or a `serve` has one start."""
    host = store.hosts.known().get(store.hosts.here)
    return clusters.is_served() or (host is not None and not host.is_silent)


def refuse_beside_others(store: Store, clusters: Clusters) -> None:
    """Raise NotLookedAfter where Coppice works on other machines, and not on this one.

    Where it works nowhere a first server may be made before the first start.
    """
    known = store.hosts.known().values()
    others = [one.name for one in known if one.id != store.hosts.here and not one.is_silent]
    if others and not is_looked_after(store, clusters):
        raise NotLookedAfter(store.hosts.name, others)


def instance(store: Store, elsewhere: Instance) -> Iterator[Diagnosis]:
    """What its machine said last. Raises OnAnotherHost when none is known."""
    what, host = f"instance {elsewhere.name}", store.hosts.of(elsewhere)
    if host is None:
        raise OnAnotherHost(elsewhere, None)
    if host.is_silent:
        yield Diagnosis(
            what=what,
            health=Health.BROKEN,
            words=unreachable(host),
            advice=f"Start Coppice on {host.name}; if that machine is gone for good, forget the"
            f" instance (`coppice instances delete {elsewhere.name} --lost`).",
        )
        return
    measured = store.measurements.of_instance(elsewhere.id)
    if measured is not None and measured.failure:
        yield Diagnosis(
            what=what, health=Health.BROKEN, words=measured.failure, advice=measured.advice
        )
    for finding in measured.findings if measured else ():
        if not finding.is_fatal:
            yield warning(what, finding.message, finding.advice)
    if measured is None or not measured.failure:
        version = f"PostgreSQL {measured.version}" if measured else "not measured yet"
        yield ok(what, f"{version}, on the machine {host.name}")

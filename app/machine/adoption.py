"""Instances of a time when nobody wrote down on which machine a server stands."""

from app.core.instances import InstanceKind
from app.machine.clusters import Clusters
from app.operations.services import Services


def adopt(services: Services, local: Clusters) -> None:
    """This machine takes those whose servers are in its data directory. Raises TwinHost."""
    found = [
        one.id
        for one in services.store.instances.all()
        if one.kind is InstanceKind.PROVISIONED and one.host is None and local.is_of(one)
    ]
    if found:
        services.store.hosts.claim()
        services.store.hosts.adopt(found)

"""Servers of Coppice's own: made once, and gone with their data when they are deleted."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from app import bootstrap
from app.config import Config
from app.core.errors import Conflict, NotFound
from app.core.instances import AdminLogin
from app.machine.clusters import Clusters
from app.operations.administration import assignments, deletions, instances
from app.operations.administration.assignments import AssignRequest
from app.operations.administration.instance_requests import LinkRequest, ProvisionRequest
from tests.integration.lifecycle.world import World

REQUEST = ProvisionRequest(name="local")


def test_a_server_that_is_asked_for_twice_at_once_is_made_once(world: World) -> None:
    places = [bootstrap.clusters(Config.from_environ(world.settings)) for _ in range(2)]
    try:
        with ThreadPoolExecutor(2) as people:
            asked = [
                people.submit(instances.provision, world.services, place, REQUEST)
                for place in places
            ]
            failures = [each.exception() for each in asked]

        assert [type(each) for each in failures if each is not None] == [Conflict]
        assert instances.test(world.services, "local").is_usable
    finally:
        remove(places[0])


def test_what_a_new_server_is_can_be_looked_up_at_once(
    world: World, postgres_admin: AdminLogin
) -> None:
    services, address = world.services, postgres_admin.address
    login = f"{postgres_admin.user}:{postgres_admin.password}"
    url = f"postgresql://{login}@{address.host}:{address.port}/postgres"
    try:
        made = instances.provision(services, world.clusters, REQUEST)
        linked, report = instances.link(services, LinkRequest(name="theirs", url=url))

        found = services.measurements.of_instances([made.id, linked.id])

        assert {one.version for one in found.values()} == {report.version}
        assert len(found) == 2
        # Remarks on neighbours depend on who looks.
        assert "same_server" in [finding.code for finding in report.findings]
        assert "same_server" not in [finding.code for finding in found[linked.id].findings]
    finally:
        deletions.delete(services, world.clusters, "theirs")
        remove(world.clusters)


class Slow:
    """Clusters that something happens to before a server's data is removed."""

    def __init__(self, clusters: Clusters, act: Callable[[], object]) -> None:
        self._clusters = clusters
        self._act = act

    def identity(self, name: str) -> str:
        return self._clusters.identity(name)

    def destroy(self, name: str, *, identity: str) -> None:
        self._act()
        self._clusters.destroy(name, identity=identity)


def killed() -> None:
    raise KeyboardInterrupt


def delete(world: World, act: Callable[[], object] = lambda: None) -> None:
    clusters = Slow(world.clusters, act)
    deletions.delete(world.services, clusters, "local")  # type: ignore[arg-type]


def test_a_deletion_that_is_cut_off_can_be_finished(world: World) -> None:
    instances.provision(world.services, world.clusters, REQUEST)
    try:
        with pytest.raises(KeyboardInterrupt):
            delete(world, killed)

        deletions.delete(world.services, world.clusters, "local")

        assert world.clusters.names() == []
        assert [one.name for one in world.services.instances.all()] == ["tenants"]
    finally:
        remove(world.clusters)


def test_nothing_is_assigned_to_a_server_whose_deletion_has_begun(world: World) -> None:
    request = AssignRequest(full_name="acme/shop", instance="local")
    instances.provision(world.services, world.clusters, REQUEST)
    try:
        with pytest.raises(KeyboardInterrupt):
            delete(world, killed)

        with pytest.raises(NotFound, match="deleted at the same moment"):
            assignments.assign(world.services, request)
    finally:
        remove(world.clusters)


def test_a_late_deletion_leaves_a_new_server_of_the_same_name_alone(world: World) -> None:
    """As of a process that was paused while another one deleted the server."""

    def deleted_and_made_anew() -> None:
        deletions.delete(world.services, world.clusters, "local")
        instances.provision(world.services, world.clusters, REQUEST)

    instances.provision(world.services, world.clusters, REQUEST)
    try:
        delete(world, deleted_and_made_anew)

        assert instances.test(world.services, "local").is_usable
    finally:
        remove(world.clusters)


def remove(clusters: Clusters) -> None:
    clusters.destroy("local", identity=clusters.identity("local"))

"""Servers of Coppice's own: made once, and gone with their data when they are deleted."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app import bootstrap
from app.config import Config
from app.core.errors import Conflict
from app.core.instances import AdminLogin
from app.operations.administration import instances
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
        places[0].destroy("local")


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
        instances.delete(services, world.clusters, "theirs")
        world.clusters.destroy("local")


class Dying:
    """Clusters whose process is killed before a server's data is removed."""

    def destroy(self, name: str) -> None:
        raise KeyboardInterrupt


def test_a_deletion_that_is_cut_off_can_be_finished(world: World) -> None:
    instances.provision(world.services, world.clusters, REQUEST)
    try:
        with pytest.raises(KeyboardInterrupt):
            instances.delete(world.services, Dying(), "local")  # type: ignore[arg-type]

        instances.delete(world.services, world.clusters, "local")

        assert world.clusters.names() == []
        assert [one.name for one in world.services.instances.all()] == ["tenants"]
    finally:
        world.clusters.destroy("local")

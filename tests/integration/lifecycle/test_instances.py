"""Servers of Coppice's own: made once, and gone with their data when they are deleted."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from app import bootstrap
from app.config import Config
from app.core.errors import Conflict
from app.operations.administration import instances
from app.operations.administration.instance_requests import ProvisionRequest
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

"""Servers of Coppice's own: made once, and gone with their data when they are deleted."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import LiteralString

import pytest

from app import bootstrap
from app.config import Config
from app.core.errors import Conflict, NotFound
from app.core.instance_requests import LinkRequest, ProvisionRequest
from app.core.instances import AdminLogin, Instance
from app.core.people import Manage, Operate, See
from app.machine.clusters import Clusters
from app.machine.data_dir import DataDir
from app.operations import access
from app.operations.access import Permitted
from app.operations.administration import deletions, instances
from app.operations.services import Services
from app.processes.serving import _only_one
from tests.integration.api.office import Office
from tests.integration.lifecycle.test_rivals import assign_to
from tests.integration.lifecycle.world import World, tenants

pytestmark = pytest.mark.own_service

REQUEST = ProvisionRequest(name="local")


def operator(world: World) -> Permitted[Services, Operate]:
    return access.service(world.services, Operate)


def managed(world: World, name: str) -> Permitted[Instance, Manage]:
    return access.instance(world.services, name, Manage)


def test_a_server_that_is_asked_for_twice_at_once_is_made_once(world: World) -> None:
    places = [bootstrap.clusters(Config.from_environ(world.settings)) for _ in range(2)]
    try:
        with ThreadPoolExecutor(2) as people:
            asked = [
                people.submit(instances.provision, operator(world), place, REQUEST)
                for place in places
            ]
            failures = [each.exception() for each in asked]

        assert [type(each) for each in failures if each is not None] == [Conflict]
        assert instances.test(world.services, managed(world, "local")).is_usable
    finally:
        remove(places[0])


def test_what_a_new_server_is_can_be_looked_up_at_once(
    world: World, postgres_admin: AdminLogin
) -> None:
    services, address = world.services, postgres_admin.address
    login = f"{postgres_admin.user}:{postgres_admin.password}"
    url = f"postgresql://{login}@{address.host}:{address.port}/postgres"
    try:
        made = instances.provision(operator(world), world.clusters, REQUEST)
        linked, report = instances.link(operator(world), LinkRequest(name="theirs", url=url))

        found = services.store.measurements.of_instances([made.id, linked.id])

        assert {one.version for one in found.values()} == {report.version}
        assert len(found) == 2
        # Remarks on neighbours depend on who looks.
        assert "same_server" in [finding.code for finding in report.findings]
        assert "same_server" not in [finding.code for finding in found[linked.id].findings]
    finally:
        deletions.delete(services, world.clusters, managed(world, "theirs"))
        remove(world.clusters)


@contextmanager
def another_machine(world: World, folder: Path) -> Iterator[str]:
    """One with a data directory and a worker of its own; gives what it is called."""
    config = Config.from_environ(world.settings | {"COPPICE_DATA_DIR": str(folder)})
    with (
        bootstrap.open_state(config) as state,
        bootstrap.open_services(config, state, bootstrap.clusters(config)) as services,
    ):
        services.store.hosts.sign()
        yield services.store.hosts.name


def test_no_server_is_made_where_only_other_machines_could_look_after_it(
    world: World, tmp_path: Path
) -> None:
    """As beside a web server alone; a `serve` that has just started has no worker yet."""
    office, here = Office(world), world.services.store.hosts.name
    token, wanted = office.people["operator"], {"name": "local"}
    with another_machine(world, tmp_path / "other") as other:
        by_program = office.ask("POST", "/api/v1/instances/provision", token, wanted)
        page = office.ask("POST", "/provision", token, data=wanted, headers={"Accept": "text/html"})
        assert world.clusters.names() == []
        try:
            with _only_one(DataDir(path=Path(world.settings["COPPICE_DATA_DIR"]))):
                served = office.ask("POST", "/api/v1/instances/provision", token, wanted)
        finally:
            remove(world.clusters)

    assert (by_program.status_code, by_program.json()["error"]) == (409, "not_looked_after")
    assert by_program.json()["message"].startswith(f"Coppice works on {other}, and neither ")
    assert f"`coppice worker` on {here}: " in by_program.json()["message"]
    assert "(`coppice instances provision`)" in by_program.json()["advice"]
    assert page.status_code == 409
    assert "beside this web server" in page.text
    assert "coppice instances provision" not in page.text
    assert served.status_code == 201


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
    deletions.delete(world.services, clusters, managed(world, "local"))  # type: ignore[arg-type]


def test_a_deletion_that_is_cut_off_can_be_finished(world: World) -> None:
    instances.provision(operator(world), world.clusters, REQUEST)
    try:
        with pytest.raises(KeyboardInterrupt):
            delete(world, killed)

        deletions.delete(world.services, world.clusters, managed(world, "local"))

        assert world.clusters.names() == []
        assert [one.name for one in world.services.store.instances.all()] == ["tenants"]
    finally:
        remove(world.clusters)


def test_nothing_is_assigned_to_a_server_whose_deletion_has_begun(world: World) -> None:
    instances.provision(operator(world), world.clusters, REQUEST)
    try:
        with pytest.raises(KeyboardInterrupt):
            delete(world, killed)

        with pytest.raises(NotFound, match="deleted at the same moment"):
            assign_to(world.services, access.instance(world.services, "local", See))
    finally:
        remove(world.clusters)


def test_a_late_deletion_leaves_a_new_server_of_the_same_name_alone(world: World) -> None:
    """As of a process that was paused while another one deleted the server."""

    def deleted_and_made_anew() -> None:
        deletions.delete(world.services, world.clusters, managed(world, "local"))
        instances.provision(operator(world), world.clusters, REQUEST)

    instances.provision(operator(world), world.clusters, REQUEST)
    try:
        delete(world, deleted_and_made_anew)

        assert instances.test(world.services, managed(world, "local")).is_usable
    finally:
        remove(world.clusters)


def test_a_server_that_an_instance_may_stand_on_is_no_leftover(
    world: World, tmp_path: Path
) -> None:
    services, clusters = world.services, world.clusters
    made = instances.provision(operator(world), clusters, REQUEST)
    admin = made.admin

    def refused(change: LiteralString, *values: object) -> str:
        world.state.execute(change, values)
        for act in (deletions.leftover, deletions.remove_leftover):
            with pytest.raises(Conflict, match="may be the one of the instance") as caught:
                act(operator(world), clusters, "local")
        return caught.value.advice

    try:
        with another_machine(world, tmp_path / "other"):
            # The machine's own id was lost, or its folder moved: nobody works where it was.
            world.state.execute("UPDATE hosts SET seen_at = seen_at - interval '1 hour'")
            advised = [
                refused("UPDATE instances SET host_id = %s WHERE name = 'local'", silent.id)
                for silent in services.store.hosts.known().values()
                if silent.id != services.store.hosts.here
            ]
        # Made by an older version, and not yet measured.
        advised.append(refused("UPDATE instances SET host_id = NULL WHERE name = 'local'"))
        advised.append(refused("DELETE FROM instance_measurements"))
        deletions.forget_lost(services, access.instance(services, "local", Operate))
        url = f"postgresql://{admin.user}:{admin.password}@localhost:{admin.address.port}/postgres"
        instances.link(operator(world), LinkRequest(name="again", url=url))
        linked = [refused("SELECT"), refused("DELETE FROM instance_measurements")]

        assert len(advised) == 3
        assert all("instances delete local --lost`" in one for one in advised)
        assert all("instances delete again`" in one for one in linked)
        assert clusters.names() == ["local"]
    finally:
        remove(clusters)


def test_what_was_left_is_removed_beside_a_linked_instance_of_the_name(
    world: World, postgres_admin: AdminLogin
) -> None:
    services, clusters = world.services, world.clusters
    instances.provision(operator(world), clusters, REQUEST)
    world.state.execute("DELETE FROM instance_measurements")
    world.state.execute("DELETE FROM instances WHERE name = 'local'")
    services.store.instances.add(replace(tenants(postgres_admin), name="local"))
    try:
        found = deletions.leftover(operator(world), clusters, "local")
        deletions.remove_leftover(operator(world), clusters, "local")

        assert found is not None
        assert clusters.names() == []
        assert instances.test(services, managed(world, "local")).is_usable
    finally:
        remove(clusters)


def remove(clusters: Clusters) -> None:
    clusters.destroy("local", identity=clusters.identity("local"))

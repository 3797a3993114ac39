"""Two at once on one database: neither undoes the other, and no data goes with a stale word."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any

import psycopg
import pytest

from app.core import lifecycle
from app.core.assignments import Policies
from app.core.databases import Database, DatabaseState
from app.core.errors import Conflict, LockLost, NotFound
from app.core.identifiers import BranchName, InstallationId, InstanceId
from app.core.instances import Instance
from app.core.people import Change, Lose, Manage, See
from app.jobs.retry import MAX_ATTEMPTS
from app.operations import access
from app.operations.access import Permitted
from app.operations.administration import assignments, databases, deletions
from app.operations.apps import Assigned
from app.operations.databases import provisioning
from app.operations.ports.postgres import DatabaseServer
from app.operations.pull_requests import actions
from app.operations.services import Services
from app.store.databases import LifecycleEvent
from tests.integration import by_hand
from tests.integration.lifecycle.world import World
from tests.integration.states import with_store


def grow(world: World) -> Database:
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()
    return world.ready("x")


def assign_to(services: Services, instance: Permitted[Instance, See]) -> Assigned:
    what = access.to_assign(services, "acme/shop", None)
    return assignments.assign(services, what, instance, migration_command="", policies=Policies())


def keep(world: World, database: Database) -> None:
    with world.inside(database) as session:
        session.execute("CREATE TABLE IF NOT EXISTS precious (a int)")


def has_kept(world: World, database: Database) -> bool:
    with world.inside(database) as session:
        return session.execute("SELECT to_regclass('precious')").fetchone() != (None,)


def meanwhile(world: World, act: Callable[[], object]) -> Services:
    """Services with which this happens once, at the moment when a server is first asked for."""

    def server_for(instance: Instance) -> DatabaseServer:
        if not done:
            done.append(None)
            act()
        return world.services.server_for(instance)

    done: list[None] = []
    return replace(world.services, server_for=server_for)


class Meanwhile:
    """A collaborator of which one method does something else first."""

    def __init__(self, port: object, **methods: object) -> None:
        self._port = port
        vars(self).update(methods)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._port, name)


def test_a_reset_during_a_repair_is_carried_out(world: World) -> None:
    database = grow(world)
    keep(world, database)
    permitted = access.database(world.services, database.id, Lose)
    databases.fix(world.services, permitted)
    services = meanwhile(world, lambda: databases.reset(world.services, permitted))

    provisioning.ensure_database(services, database.id)
    world.settle()

    database = world.ready("x")
    assert not has_kept(world, database)
    keep(world, database)
    by_hand.fix(world.services, database)
    assert has_kept(world, database)


def test_what_was_reset_deleted_and_restored_keeps_what_is_written_then(world: World) -> None:
    database = grow(world)
    keep(world, database)
    databases.reset(world.services, access.database(world.services, database.id, Lose))
    database = databases.delete(world.services, access.database(world.services, database.id, Lose))
    world.settle()
    database = by_hand.restore(world.services, database)
    assert has_kept(world, database)

    by_hand.fix(world.services, database)

    assert has_kept(world, database)


def test_a_reset_that_was_cut_off_half_way_can_be_deleted_and_restored(world: World) -> None:
    def die(database: Database, event: LifecycleEvent, **options: Any) -> Database | None:
        if isinstance(event, partial) and event.func is lifecycle.emptied:
            raise LockLost("Another worker took over.")
        return world.services.store.databases.apply(database, event, **options)

    database = grow(world)
    keep(world, database)
    seen = access.database(world.services, database.id, Lose)
    databases.reset(world.services, seen)
    dying: Any = Meanwhile(world.services.store.databases, apply=die)
    with pytest.raises(LockLost):
        provisioning.ensure_database(with_store(world.services, databases=dying), database.id)
    databases.delete(world.services, seen)
    world.settle()

    by_hand.restore(world.services, database)

    assert not has_kept(world, world.ready("x"))


def test_a_button_that_was_pressed_before_brings_nothing_back(world: World) -> None:
    database = grow(world)
    seen = access.database(world.services, database.id, Change)
    by_hand.delete(world.services, database)
    repository = world.known()

    actions.fix(world.services, repository, BranchName("x"), seen, head_sha=world.sha("0" * 40))
    world.work()

    assert database.branch == "x"
    assert world.services.store.databases.get(database.id).state is DatabaseState.DELETED


ACTS = [databases.fix, databases.reset]


@pytest.mark.parametrize("act", ACTS)
def test_what_was_deleted_meanwhile_stays_so(
    world: World, act: Callable[[Services, Permitted[Database, Lose]], Database]
) -> None:
    database = grow(world)
    seen = access.database(world.services, database.id, Lose)
    keep(world, database)
    by_hand.delete(world.services, database)

    with pytest.raises(Conflict):
        act(world.services, seen)
    world.settle()

    assert world.services.store.databases.get(database.id).state is DatabaseState.DELETED
    by_hand.restore(world.services, database)
    assert has_kept(world, world.ready("x"))


@pytest.mark.parametrize("act", ACTS)
def test_what_was_dropped_meanwhile_stays_so(
    world: World, act: Callable[[Services, Permitted[Database, Lose]], Database]
) -> None:
    database = grow(world)
    seen = access.database(world.services, database.id, Lose)
    by_hand.drop(world.services, database)

    with pytest.raises(Conflict):
        act(world.services, seen)
    world.settle()

    assert world.services.store.databases.get(database.id).state is DatabaseState.GONE


def test_who_was_shut_out_goes_however_long_the_server_is_away(world: World) -> None:
    database = grow(world)
    instance = world.services.store.instances.named("tenants")
    lost = replace(instance.admin.address, port=1)
    with world.inside(database) as session:
        world.services.store.instances.update(
            replace(instance, admin=replace(instance.admin, address=lost))
        )
        databases.delete(world.services, access.database(world.services, database.id, Lose))
        for _ in range(MAX_ATTEMPTS + 1):
            world.put_retries_forward()
            world.work()
        session.execute("SELECT 1")
        world.services.store.instances.update(instance)

        world.put_retries_forward()
        world.work()

        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")


def test_a_drop_that_waited_does_not_end_what_is_deleted_later(world: World) -> None:
    database = grow(world)
    keep(world, database)
    permitted = access.database(world.services, database.id, Lose)
    databases.drop(world.services, permitted)  # the worker is away
    database = by_hand.restore(world.services, world.services.store.databases.get(database.id))
    by_hand.delete(world.services, database)

    world.settle()

    by_hand.restore(world.services, database)
    assert has_kept(world, world.ready("x"))


def test_an_app_is_assigned_once_however_many_assign_it_at_once(world: World) -> None:
    tenants = world.services.store.instances.named("tenants")
    world.services.store.instances.add(replace(tenants, id=InstanceId(0), name="other"))

    def assign(instance: str) -> Assigned:
        return assign_to(world.services, access.instance(world.services, instance, See))

    with ThreadPoolExecutor(2) as people:
        for _ in range(5):
            tries = [people.submit(assign, name) for name in ("tenants", "other")]
            done = [each.result() for each in tries if not isinstance(each.exception(), Conflict)]

            [assigned] = done
            assert world.services.store.apps.assignments() == [assigned.assignment]
            assignments.remove(world.services, access.app(world.services, assigned.app.id, Manage))


def test_an_edit_brings_no_assignment_back(world: World) -> None:
    world.assign()
    seen = access.app(world.services, world.app, Manage)
    assignments.remove(world.services, seen)

    with pytest.raises(NotFound, match="not assigned any more"):
        assignments.edit(world.services, seen, migration_command="other")

    assert not world.services.store.apps.assignments()


def test_an_instance_with_databases_of_an_app_that_was_moved_meanwhile_is_kept(
    world: World,
) -> None:
    world.assign()
    tenants = world.services.store.instances.named("tenants")
    world.services.store.instances.add(replace(tenants, id=InstanceId(0), name="other"))
    world.state.execute(
        "UPDATE assignments SET instance_id = (SELECT id FROM instances WHERE name = 'other')"
    )

    with pytest.raises(Conflict, match="Apps are assigned"):
        deletions.delete(
            world.services, world.clusters, access.instance(world.services, "tenants", Manage)
        )


def test_an_app_is_assigned_to_no_instance_that_was_deleted_meanwhile(world: World) -> None:
    def deleted_meanwhile(owner: str, name: str) -> InstallationId | None:
        deletions.delete(
            world.services, world.clusters, access.instance(world.services, "tenants", Manage)
        )
        return world.services.github.installation_of(owner, name)

    github: Any = Meanwhile(world.services.github, installation_of=deleted_meanwhile)
    services = replace(world.services, github_of_app=lambda: github)

    with pytest.raises(NotFound, match="deleted at the same moment"):
        assign_to(services, access.instance(services, "tenants", See))

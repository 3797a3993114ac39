"""Two at once on one database: neither undoes the other, and no data goes with a stale word."""

from collections.abc import Callable
from dataclasses import replace

import psycopg
import pytest

from app.core.databases import Database, DatabaseState
from app.core.errors import Conflict
from app.core.identifiers import BranchName
from app.core.instances import Instance
from app.jobs.retry import MAX_ATTEMPTS
from app.operations.administration import database_requests, databases
from app.operations.databases import provisioning
from app.operations.ports.postgres import DatabaseServer
from app.operations.pull_requests import steering
from app.operations.services import Services
from tests.integration.lifecycle.world import World


def grow(world: World) -> Database:
    world.assign()
    world.github.push(world.repository, "x")
    world.settle()
    return world.ready("x")


def connect(world: World, database: Database) -> psycopg.Connection[tuple[object, ...]]:
    instance = world.services.instances.named("tenants")
    return psycopg.connect(
        host=instance.admin.address.host,
        port=instance.admin.address.port,
        dbname=database.name,
        user=database.login_role,
        password=world.services.databases.password(database.id),
        autocommit=True,
    )


def keep(world: World, database: Database) -> None:
    with connect(world, database) as session:
        session.execute("CREATE TABLE precious (a int)")


def has_kept(world: World, database: Database) -> bool:
    with connect(world, database) as session:
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


def test_a_reset_during_a_repair_is_carried_out(world: World) -> None:
    database = grow(world)
    keep(world, database)
    database_requests.fix(world.services, database)
    services = meanwhile(world, lambda: database_requests.reset(world.services, database))

    provisioning.ensure_database(services, database.id)
    world.settle()

    database = world.ready("x")
    assert not has_kept(world, database)
    keep(world, database)
    databases.fix(world.services, database)
    assert has_kept(world, database)


def test_what_was_reset_deleted_and_restored_keeps_what_is_written_then(world: World) -> None:
    database = grow(world)
    keep(world, database)
    database = database_requests.reset(world.services, database)
    database = database_requests.delete(world.services, database)
    world.settle()
    database = databases.restore(world.services, database)
    assert has_kept(world, database)

    databases.fix(world.services, database)

    assert has_kept(world, database)


def test_a_button_that_was_pressed_before_brings_nothing_back(world: World) -> None:
    seen = grow(world)
    databases.delete(world.services, seen)
    repository = world.known()

    steering.fix(world.services, repository, BranchName("x"), seen, head_sha=world.sha("0" * 40))
    world.work()

    assert seen.branch == "x"
    assert world.services.databases.get(seen.id).state is DatabaseState.DELETED


ACTS = [databases.fix, database_requests.fix, databases.reset, database_requests.reset]


@pytest.mark.parametrize("act", ACTS)
def test_what_was_deleted_meanwhile_stays_so(
    world: World, act: Callable[[Services, Database], Database]
) -> None:
    seen = grow(world)
    keep(world, seen)
    databases.delete(world.services, seen)

    with pytest.raises(Conflict):
        act(world.services, seen)
    world.settle()

    assert world.services.databases.get(seen.id).state is DatabaseState.DELETED
    databases.restore(world.services, seen)
    assert has_kept(world, world.ready("x"))


@pytest.mark.parametrize("act", ACTS)
def test_what_was_dropped_meanwhile_stays_so(
    world: World, act: Callable[[Services, Database], Database]
) -> None:
    seen = grow(world)
    databases.drop(world.services, seen)

    with pytest.raises(Conflict):
        act(world.services, seen)
    world.settle()

    assert world.services.databases.get(seen.id).state is DatabaseState.GONE


def test_who_was_shut_out_goes_however_long_the_server_is_away(world: World) -> None:
    database = grow(world)
    instance = world.services.instances.named("tenants")
    lost = replace(instance.admin.address, port=1)
    with connect(world, database) as session:
        world.services.instances.update(
            replace(instance, admin=replace(instance.admin, address=lost))
        )
        database_requests.delete(world.services, database)
        for _ in range(MAX_ATTEMPTS + 1):
            world.put_retries_forward()
            world.work()
        session.execute("SELECT 1")
        world.services.instances.update(instance)

        world.put_retries_forward()
        world.work()

        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")


def test_a_drop_that_waited_does_not_end_what_is_deleted_later(world: World) -> None:
    database = grow(world)
    keep(world, database)
    database_requests.drop(world.services, database)  # the worker is away
    database = databases.restore(world.services, world.services.databases.get(database.id))
    databases.delete(world.services, database)

    world.settle()

    databases.restore(world.services, database)
    assert has_kept(world, world.ready("x"))

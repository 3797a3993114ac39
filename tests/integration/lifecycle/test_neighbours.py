"""A server that hangs and databases that defend themselves hold up nobody else."""

import secrets
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.databases import Closing, Database
from app.core.environments import Environment
from app.core.identifiers import AppId, BranchName, DatabaseName, InstanceId, RoleName
from app.operations.databases import retention
from tests.integration.lifecycle.proxy import Deaf
from tests.integration.lifecycle.working import Worker, wait_until
from tests.integration.lifecycle.world import World, tenants

pytestmark = pytest.mark.own_service

SOON_SECONDS = 15


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


@pytest.fixture
def neighbour(world: World) -> World:
    """The same world, seen from another repository with an app of its own on the same server."""
    other = world.github.create_repository("acme/other")
    return replace(world, repository=other, app=AppId(secrets.token_hex(5)))


@pytest.fixture
def hanging(world: World) -> Iterator[InstanceId]:
    """An instance whose server takes connections and says nothing."""
    with Deaf() as server:
        there = tenants(world.services.store.instances.named("tenants").admin)
        address = replace(there.admin.address, port=server.port)
        instance = replace(
            there,
            name="hanging",
            admin=replace(there.admin, address=address),
            public_address=address,
        )
        world.services.store.instances.add(instance)
        yield world.services.store.instances.named("hanging").id
        world.state.execute("UPDATE databases SET state = 'gone' WHERE name LIKE 'hanging%'")


def running(world: World, task: str) -> int:
    return world.state.execute(
        "SELECT FROM procrastinate_jobs WHERE status = 'doing' AND task_name = %s", [task]
    ).rowcount


def delete_all(world: World, databases: list[Database]) -> None:
    for database in databases:
        retention.close_database(world.services, database.id, because=Closing.BY_HAND)


def is_made_soon(world: World) -> bool:
    """Whether a branch of the repository gets its database in a few seconds."""
    world.github.push(world.repository, "x")
    return wait_until(lambda: is_ready(world, "x")) < SOON_SECONDS


def is_ready(world: World, branch: str) -> bool:
    database = world.database(branch)
    return database is not None and database.state.value == "ready"


def test_a_server_that_hangs_holds_up_no_database_of_another(
    world: World, neighbour: World, hanging: InstanceId, log: Path
) -> None:
    world.assign()
    neighbour.assign()
    world.state.execute(
        "UPDATE assignments SET instance_id = %s WHERE app_id = %s", [hanging, world.app]
    )
    databases = [intended(world, hanging, f"b{number}") for number in range(30)]
    delete_all(world, databases)

    with Worker(world.settings, log):
        wait_until(lambda: running(world, "databases:seal") > 1)

        assert is_made_soon(neighbour)


def test_databases_that_defend_themselves_hold_up_no_other_app_of_their_server(
    world: World, neighbour: World, log: Path
) -> None:
    world.assign()
    neighbour.assign()
    for number in range(12):
        world.github.push(world.repository, f"b{number}")
    world.settle()
    databases = [world.ready(f"b{number}") for number in range(12)]
    with ExitStack() as stack:
        for database in databases:
            session = world.inside(database)
            stack.callback(session.close)
            # Each that would alter the role waits for its end.
            session.execute("BEGIN")
            session.execute("ALTER ROLE CURRENT_USER PASSWORD 'mine'")
        delete_all(world, databases)

        with Worker(world.settings, log):
            assert is_made_soon(neighbour)


def intended(world: World, instance: InstanceId, branch: str) -> Database:
    """A database of the app that is only known here."""
    name = f"hanging-{branch}-{secrets.token_hex(4)}"
    return world.services.store.databases.intend(
        Database(
            app_id=world.app,
            instance_id=instance,
            environment=Environment.BRANCH,
            branch=BranchName(branch),
            name=DatabaseName(name),
            owner_role=RoleName(f"{name}-o"),
            login_role=RoleName(f"{name}-l"),
            marker=secrets.token_hex(8),
            created_at=world.clock(),
        )
    )

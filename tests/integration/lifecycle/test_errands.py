"""What a command does of the queue in its own process: its own jobs, and each of them once."""

from dataclasses import replace

import pytest

from app.core.databases import Database, DatabaseState
from app.core.errors import Conflict, ServerUnreachable
from app.core.people import Change
from app.jobs.errands import work_off
from app.operations import access
from app.operations.administration import databases
from tests.integration import by_hand
from tests.integration.lifecycle.test_comebacks import grown
from tests.integration.lifecycle.world import World


def work(world: World, database: Database) -> bool:
    locks = [f"database:{database.id}"]
    return work_off(world.services, world.clusters, world.dsn, locks=locks)


def now(world: World, database: Database) -> Database:
    return world.services.store.databases.get(database.id)


def in_the_hands_of_a_worker(world: World, database: Database, *, silent_seconds: float) -> None:
    """As if one had been given what waits for the database, and was heard of so long ago."""
    world.state.execute(
        "WITH other AS (INSERT INTO procrastinate_workers (last_heartbeat)"
        " VALUES (now() - make_interval(secs => %s)) RETURNING id)"
        " UPDATE procrastinate_jobs SET status = 'doing', worker_id = other.id FROM other"
        " WHERE lock = %s AND status = 'todo'",
        [silent_seconds, f"database:{database.id}"],
    )


def test_what_was_caused_is_done_and_nothing_else(world: World) -> None:
    mine, theirs = grown(world, "mine", "theirs")
    for each in (mine, theirs):
        databases.fix(world.services, access.database(world.services, each.id, Change))

    assert work(world, mine)

    assert now(world, mine).state is DatabaseState.READY
    assert now(world, theirs).state is DatabaseState.CREATING
    assert not work(world, mine)
    assert world.jobs().count("databases:ensure") == 1
    assert world.services.store.queue.traffic().workers == 0


def test_what_a_worker_has_in_hand_is_left_to_it_unless_it_is_dead(world: World) -> None:
    [database] = grown(world, "x")
    databases.fix(world.services, access.database(world.services, database.id, Change))
    in_the_hands_of_a_worker(world, database, silent_seconds=0)

    is_done = work(world, database)
    state = now(world, database).state
    world.state.execute("UPDATE procrastinate_workers SET last_heartbeat = now() - interval '1h'")

    assert (is_done, state) == (False, DatabaseState.CREATING)
    assert work(world, database)
    assert now(world, database).state is DatabaseState.READY


def test_what_goes_wrong_is_raised_and_left_to_a_worker(world: World) -> None:
    [database] = grown(world, "x")
    instance = world.services.store.instances.named("tenants")
    lost = replace(instance.admin.address, port=1)
    world.services.store.instances.update(
        replace(instance, admin=replace(instance.admin, address=lost))
    )
    databases.fix(world.services, access.database(world.services, database.id, Change))

    with pytest.raises(ServerUnreachable):
        work(world, database)

    world.services.store.instances.update(instance)
    assert "databases:ensure" in world.jobs()
    world.put_retries_forward()
    world.settle()
    assert now(world, database).state is DatabaseState.READY


def test_what_counts_as_done_for_a_worker_is_told_whoever_asked(world: World) -> None:
    [database] = grown(world, "x")
    by_hand.delete(world.services, database)
    world.settle()
    databases.restore(
        world.services, access.database(world.services, now(world, database).id, Change)
    )
    by_hand.drop(world.services, now(world, database))  # meanwhile

    with pytest.raises(Conflict):
        work(world, database)

    assert now(world, database).state is DatabaseState.GONE
    assert "databases:restore" not in world.jobs()

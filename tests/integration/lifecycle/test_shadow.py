"""The shadow of `dev` shares its life, also when workers are killed between any two steps."""

from itertools import count

import pytest

from app.core.audit import AuditEvent
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.instances import AdminLogin
from app.core.intents import DropDatabase, EnsureDatabase, RebuildDatabase, RestoreDatabase
from app.core.limits import Limits
from app.core.people import Connect
from app.operations import access
from app.operations.administration import local_work
from app.operations.databases import provisioning, retention
from tests.integration import by_hand
from tests.integration.lifecycle.test_kills import DyingWorker, finish, is_open, traces_of, worker
from tests.integration.lifecycle.world import World

pytestmark = pytest.mark.own_service

__all__ = ["worker"]


def test_both_are_made_whole_whenever_the_worker_dies(
    world: World, worker: DyingWorker, postgres_superuser: AdminLogin
) -> None:
    world.assign()
    finish(world)

    for call in count(1):
        intend(world)
        died = worker.dies(before_call=call)
        finish(world)

        both = pair(world)
        assert [one.state for one in both] == [DatabaseState.READY] * 2
        assert [traces_of(postgres_superuser, one) for one in both] == [3, 3]
        drop(world, both[0])
        assert [traces_of(postgres_superuser, one) for one in both] == [0, 0]
        if not died:
            break
    assert call > 15


def test_both_are_emptied_whenever_the_worker_dies(
    world: World, worker: DyingWorker, postgres_superuser: AdminLogin
) -> None:
    world.assign()
    intend(world)
    finish(world)

    for call in count(1, 3):  # each step on its own is in test_kills.py
        before = pair(world)
        world.services.store.queue.add(
            [RebuildDatabase(database_id=before[0].id, generation=before[0].generation)]
        )
        died = worker.dies(before_call=call)
        finish(world)

        after = pair(world)
        assert after[0].generation == before[0].generation + 1
        assert after[1].generation > before[1].generation
        assert [one.state for one in after] == [DatabaseState.READY] * 2
        assert [traces_of(postgres_superuser, one) for one in after] == [3, 3]
        if not died:
            break
    assert call > 15


def test_both_are_restored_whenever_the_worker_dies(
    world: World, worker: DyingWorker, postgres_superuser: AdminLogin
) -> None:
    world.assign()
    intend(world)
    finish(world)
    both = pair(world)

    for call in count(1, 3):  # each step on its own is in test_kills.py
        by_hand.delete_database(world.services, both[0].id)
        assert not any(is_open(postgres_superuser, one) for one in both)
        finish(world)
        world.services.store.queue.add([RestoreDatabase(database_id=both[0].id)])
        died = worker.dies(before_call=call)
        finish(world)

        assert all(is_open(postgres_superuser, one) for one in both)
        if not died:
            break
    assert call > 5


def test_both_are_dropped_when_their_time_is_over(
    world: World, postgres_superuser: AdminLogin
) -> None:
    world.assign()
    intend(world)
    finish(world)
    both = pair(world)
    by_hand.delete_database(world.services, both[0].id)
    world.pass_time(days=8)

    world.services.store.queue.add(retention.due_drops(world.services))
    finish(world)

    assert [traces_of(postgres_superuser, one) for one in both] == [0, 0]


def test_a_limit_that_leaves_no_room_for_the_shadow_keeps_nobody_from_dev(world: World) -> None:
    world.assign()
    finish(world)
    [instance] = world.services.store.instances.all()
    taken = len(world.services.store.databases.all(instance_id=instance.id))
    world.services.store.limits.set(instance.id, Limits(databases=taken + 1))

    intend(world)
    finish(world)

    dev, shadow = pair(world)
    assert dev.state is DatabaseState.READY
    assert shadow.state is DatabaseState.ERROR
    assert "limit" in (shadow.reason or "").lower()


def intend(world: World) -> None:
    """Somebody asks for the database for local work; a worker is to make it."""
    [assignment] = world.services.store.apps.assignments()
    dev = provisioning.intend_database(world.services, assignment, Environment.DEV)
    world.services.store.queue.add([EnsureDatabase(database_id=dev.id)])


def pair(world: World) -> tuple[Database, Database]:
    """The database for local work and its shadow."""
    [assignment] = world.services.store.apps.assignments()
    dev = world.services.store.databases.live(assignment.app.id, Environment.DEV)
    shadow = world.services.store.databases.live(assignment.app.id, Environment.SHADOW)
    assert dev is not None
    assert shadow is not None
    return dev, shadow


def drop(world: World, dev: Database) -> None:
    by_hand.delete_database(world.services, dev.id)
    job = DropDatabase(database_id=dev.id, is_by_hand=True)
    retention.mark_unwanted(world.services.store, dev.id, then=[job])
    finish(world)


def test_the_audit_trail_says_how_the_shadow_was_read(world: World) -> None:
    world.assign()
    intend(world)
    finish(world)
    dev, shadow = pair(world)

    for purpose in (AuditEvent.DATABASES_URL, AuditEvent.DATABASES_CREDENTIALS):
        assert local_work.shadow_variables(
            world.services, access.database(world.services, dev.id, Connect), purpose=purpose
        )
        [entry] = world.services.store.audit.latest(limit=1)
        assert (entry.action, entry.subject) == (purpose, shadow.name)

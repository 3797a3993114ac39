"""A worker that lost the lock of a database, and goes on: it does no harm, wherever it was.

Each is stopped before one change after the other, its sessions in the state database are ended, and
another worker does what it would do by then. Then the first goes on.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import count

import psycopg
import pytest

from app.core.databases import Closing, Database, DatabaseState
from app.core.errors import Conflict
from app.core.limits import Limits
from app.operations.databases import provisioning, retention, rotation
from tests.integration import by_hand, states
from tests.integration.lifecycle.test_rivals import grow, has_kept, keep
from tests.integration.lifecycle.world import World

pytestmark = pytest.mark.own_service

_MOST_CHANGES = 60


class PausedWorker:
    """A worker in a process of its own, which is stopped at a chosen change."""

    def __init__(self, process: "subprocess.Popen[str]", world: World) -> None:
        self._process = process
        self._world = world

    def stops(self, operation: str, database: Database, *, before_change: int) -> bool:
        """Whether it was stopped, and lost its sessions; False if it worked to the end."""
        known = self._sessions()
        if self._say(f"{operation} {database.id} {before_change}") == "finished":
            return False
        lost = list(self._sessions() - known)
        self._world.state.execute(
            "SELECT pg_terminate_backend(pid, 5000) FROM unnest(%s) pid", [lost]
        )
        return True

    def resumes(self) -> None:
        assert self._say("") == "finished"

    def _say(self, line: str) -> str:
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{line}\n")
        self._process.stdin.flush()
        return self._process.stdout.readline().strip()

    def _sessions(self) -> set[int]:
        rows = self._world.state.execute(
            "SELECT pid FROM pg_stat_activity WHERE datname = current_database()"
        )
        return {row["pid"] for row in rows}


@pytest.fixture
def worker(world: World) -> Iterator[PausedWorker]:
    command = [sys.executable, "-m", "tests.integration.lifecycle.paused_worker"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin
        process.stdin.write(json.dumps(world.settings) + "\n")
        process.stdin.flush()
        yield PausedWorker(process, world)
        process.stdin.close()


def everywhere(
    worker: PausedWorker,
    operation: str,
    *,
    prepare: Callable[[], Database],
    rival: Callable[[Database], object],
    check: Callable[[Database], object],
) -> int:
    """Stop it before each of its changes; returns how many there were."""
    for change in count(1):
        database = prepare()
        if not worker.stops(operation, database, before_change=change):
            return change - 1
        rival(database)
        worker.resumes()
        check(database)
        assert change < _MOST_CHANGES
    raise AssertionError


def as_it_was_left(world: World, database: Database) -> None:
    """Ready by its row, and open with its data by its server."""
    assert world.ready("x").id == database.id
    assert has_kept(world, world.ready("x"))


def test_what_was_restored_is_not_dropped_by_who_meant_to_before(
    world: World, worker: PausedWorker
) -> None:
    database = grow(world)

    def unwanted() -> Database:
        keep(world, database)
        by_hand.delete(world.services, database)
        world.state.execute("UPDATE databases SET drop_after = now() WHERE id = %s", [database.id])
        world.github.delete_branch(world.repository, "x")
        world.github.hook.wait()
        world.state.execute("DELETE FROM procrastinate_jobs")
        return database

    def restore(gone: Database) -> None:
        seen = world.services.store.databases.get(gone.id)
        if gone.name in world.names_on_server():
            assert by_hand.restore(world.services, seen).state is DatabaseState.READY
            return
        # It had gone before anybody asked for it, and what comes now is a new one.
        with pytest.raises(Conflict, match="no longer on the server"):
            by_hand.restore(world.services, seen)
        lost = world.services.store.databases.get(gone.id)
        assert by_hand.fix(world.services, lost).state is DatabaseState.READY
        keep(world, gone)

    changes = everywhere(
        worker,
        "drop",
        prepare=unwanted,
        rival=restore,
        check=lambda one: as_it_was_left(world, one),
    )

    assert changes > 6


def test_what_another_finished_to_empty_is_not_emptied_again(
    world: World, worker: PausedWorker
) -> None:
    database = grow(world)

    def to_be_emptied() -> Database:
        now = world.services.store.databases.get(database.id)
        states.start_afresh(world.services, now)
        return now

    def finish(one: Database) -> None:
        assert provisioning.ensure_database(world.services, one.id).state is DatabaseState.READY
        keep(world, one)

    changes = everywhere(
        worker,
        "ensure",
        prepare=to_be_emptied,
        rival=finish,
        check=lambda one: as_it_was_left(world, one),
    )

    assert changes > 10


def test_what_was_restored_is_not_closed_by_who_meant_to_before(
    world: World, worker: PausedWorker
) -> None:
    database = grow(world)
    keep(world, database)

    def deleted() -> Database:
        retention.close_database(world.services, database.id, because=Closing.BRANCH_DELETED)
        return database

    changes = everywhere(
        worker,
        "seal",
        prepare=deleted,
        rival=lambda one: retention.restore_database(world.services, one.id),
        check=lambda one: as_it_was_left(world, one),
    )

    assert changes >= 3


def test_what_was_restored_is_not_set_aside_by_who_meant_to_before(
    world: World, worker: PausedWorker
) -> None:
    world.assign()
    branches = (f"x{number}" for number in count(1))

    def deleted() -> Database:
        branch = next(branches)
        world.github.push(world.repository, branch)
        world.settle()
        database = world.ready(branch)
        keep(world, database)
        return by_hand.delete_database(world.services, database.id)

    def restore(one: Database) -> None:
        retention.restore_database(world.services, one.id)

    def check(one: Database) -> None:
        now = world.services.store.databases.get(one.id)
        assert one.name in world.names_on_server()
        assert now.state is DatabaseState.READY
        assert has_kept(world, now)

    changes = everywhere(worker, "retire", prepare=deleted, rival=restore, check=check)

    assert changes >= 3


def test_what_was_deleted_is_not_opened_by_who_meant_to_restore_it(
    world: World, worker: PausedWorker
) -> None:
    database = grow(world)

    def deleted() -> Database:
        if world.services.store.databases.get(database.id).state is DatabaseState.READY:
            by_hand.delete_database(world.services, database.id)
        return database

    def delete_again(one: Database) -> None:
        retention.close_database(world.services, one.id, because=Closing.BRANCH_DELETED)
        retention.seal_database(world.services, one.id)

    def check(one: Database) -> None:
        assert world.services.store.databases.get(one.id).state is DatabaseState.DELETED
        with pytest.raises(psycopg.OperationalError):
            world.inside(one)

    changes = everywhere(worker, "restore", prepare=deleted, rival=delete_again, check=check)

    assert changes > 8


def test_the_newest_password_is_the_one_that_stays(world: World, worker: PausedWorker) -> None:
    database = grow(world)

    def rotate(one: Database) -> None:
        rotation.rotate_password(world.services, one.id)

    changes = everywhere(
        worker,
        "rotate",
        prepare=lambda: database,
        rival=rotate,
        check=lambda one: world.inside(one).close(),
    )

    assert changes > 8


def test_what_a_person_opened_is_not_closed_by_who_found_it_too_large(
    world: World, worker: PausedWorker
) -> None:
    database = grow(world)
    keep(world, database)
    limits = Limits(database_bytes=16_000_000, freezes=True)
    world.services.store.limits.set(database.instance_id, limits)

    def too_large() -> Database:
        world.state.execute("UPDATE databases SET opened_at = NULL WHERE id = %s", [database.id])
        world.state.execute(
            "INSERT INTO database_sizes VALUES (%s, clock_timestamp(), 20000000)", [database.id]
        )
        return database

    def fix(one: Database) -> None:
        by_hand.fix(world.services, one)

    changes = everywhere(
        worker,
        "freeze",
        prepare=too_large,
        rival=fix,
        check=lambda one: as_it_was_left(world, one),
    )

    assert changes > 3

"""Real workers beside each other, killed, stopped, cut off, and with a slow GitHub."""

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from psycopg import connect

from app.core.databases import DatabaseState
from app.core.identifiers import DatabaseId
from app.core.instances import AdminLogin
from app.core.intents import RestoreDatabase
from app.store.connection import state_conninfo
from demo.github import faults
from tests.integration.lifecycle.proxy import Proxy
from tests.integration.lifecycle.working import Worker, wait_until
from tests.integration.lifecycle.world import World

pytestmark = pytest.mark.own_service


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "worker.log"


@pytest.fixture
def cable(postgres_superuser: AdminLogin) -> Iterator[Proxy]:
    """Between the worker and its state database."""
    address = postgres_superuser.address
    with Proxy(address.host, address.port) as proxy:
        yield proxy


def is_ready(world: World, branch: str) -> bool:
    database = world.database(branch)
    return database is not None and database.state is DatabaseState.READY


def is_at_work(world: World, task: str) -> bool:
    with connect(state_conninfo(world.dsn)) as connection:
        return bool(
            connection.execute(
                "SELECT FROM procrastinate_jobs WHERE status = 'doing' AND task_name = %s", [task]
            ).rowcount
        )


def test_a_killed_workers_job_is_taken_over_within_seconds(world: World, log: Path) -> None:
    world.assign()
    world.github.faults.plan(faults.slow(8), path="/branches/x")

    with Worker(world.settings, log) as first, Worker(world.settings, log):
        world.github.push(world.repository, "x")
        wait_until(lambda: is_at_work(world, "branches:reconcile"))
        first.kill()
        seconds = wait_until(lambda: is_ready(world, "x"))

    assert seconds < 25


def test_a_worker_that_is_told_to_stop_finishes_the_job_at_hand(world: World, log: Path) -> None:
    world.assign()
    world.github.faults.plan(faults.slow(3), path="/branches/x")

    with Worker(world.settings, log) as worker:
        world.github.push(world.repository, "x")
        wait_until(lambda: is_at_work(world, "branches:reconcile"))
        code = worker.stop()

    assert code == 0
    assert world.ready("x")
    assert not is_at_work(world, "branches:reconcile")


def test_a_job_that_never_ends_keeps_no_worker_from_ending(world: World, log: Path) -> None:
    with connect(state_conninfo(world.dsn)) as connection:
        connection.execute(
            "INSERT INTO procrastinate_jobs (queue_name, task_name) VALUES ('github', 'tests:hang')"
        )

    program = ["tests.integration.lifecycle.hanging_worker"]
    with Worker(world.settings, log, program=program) as worker:
        wait_until(lambda: "hanging" in log.read_text())
        code = worker.stop()

    assert code == 0
    assert "worker.jobs_left" in log.read_text()


def test_a_worker_goes_on_when_the_state_database_is_back(
    world: World, log: Path, cable: Proxy, postgres_superuser: AdminLogin
) -> None:
    world.assign()
    port = postgres_superuser.address.port
    url = world.settings["COPPICE_DATABASE_URL"].replace(f":{port}/", f":{cable.port}/")

    with Worker({**world.settings, "COPPICE_DATABASE_URL": url}, log) as worker:
        world.github.push(world.repository, "x")
        wait_until(lambda: is_ready(world, "x"))
        cable.pull_out()
        world.github.push(world.repository, "y")
        world.github.hook.wait()
        cable.plug_in()
        wait_until(lambda: is_ready(world, "y"))
        assert worker.process is not None
        assert worker.process.poll() is None


def test_a_github_that_is_slow_to_take_checks_delays_no_database(world: World, log: Path) -> None:
    world.assign()
    world.github.faults.plan(faults.slow(9), path="check-runs", times=1000)

    with Worker(world.settings, log):
        for number in range(12):
            world.github.push(world.repository, f"b{number}")
        seconds = wait_until(
            lambda: all(is_ready(world, f"b{number}") for number in range(12)), seconds=30
        )

    assert seconds < 25


def test_a_worker_that_starts_makes_up_for_what_was_missed(world: World, log: Path) -> None:
    world.assign()
    world.github.hook.hold()
    world.github.push(world.repository, "x")
    world.github.hook.release([])

    with Worker(world.settings, log):
        wait_until(lambda: is_ready(world, "x"))


def test_two_workers_do_each_thing_once(world: World, log: Path) -> None:
    world.assign()

    with Worker(world.settings, log), Worker(world.settings, log):
        shas = [world.github.push(world.repository, f"b{number}") for number in range(8)]
        wait_until(lambda: all(is_ready(world, f"b{number}") for number in range(8)))
        # A database is ready before its job queues the check.
        wait_until(lambda: not {"branches:reconcile", "outbox:post"} & set(world.jobs()))

    for sha in shas:
        assert len(world.github.check_runs(world.repository, sha)) == 1


def test_a_worker_that_slept_while_another_did_its_job_works_on(world: World, log: Path) -> None:
    world.assign()
    world.github.faults.plan(faults.slow(5), path="/branches/x")

    with Worker(world.settings, log) as sleeper:
        world.github.push(world.repository, "x")
        wait_until(lambda: is_at_work(world, "branches:reconcile"))
        sleeper.signal(signal.SIGSTOP)
        with Worker(world.settings, log):
            wait_until(lambda: is_ready(world, "x"))
            sleeper.signal(signal.SIGCONT)
            wait_until(lambda: "job_in_other_hands" in log.read_text())
        world.github.push(world.repository, "y")
        wait_until(lambda: is_ready(world, "y"))

        assert sleeper.process is not None
        assert sleeper.process.poll() is None
        wait_until(lambda: "branches:reconcile" not in world.jobs())


@pytest.mark.parametrize(
    ("task", "slow"),
    [("deliveries:recover", "hook/deliveries"), ("everything:reconcile", "app/installations")],
)
def test_a_worker_that_is_killed_while_its_job_waits_again_stops_nobody(
    world: World, log: Path, task: str, slow: str
) -> None:
    world.assign()
    world.github.faults.plan(faults.slow(15), path=slow)
    with Worker(world.settings, log) as first:
        wait_until(lambda: is_at_work(world, task))
        queue_again(world, task)
        first.kill()

    with Worker(world.settings, log) as second:
        world.github.push(world.repository, "x")
        wait_until(lambda: is_ready(world, "x"))
        wait_until(lambda: task not in world.jobs())

        assert second.process is not None
        assert second.process.poll() is None


def queue_again(world: World, task: str) -> None:
    """As the clock does while the job runs."""
    world.state.execute(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, queueing_lock, args)"
        " SELECT queue_name, task_name, lock, queueing_lock, args FROM procrastinate_jobs"
        " WHERE task_name = %s AND status = 'doing' ON CONFLICT DO NOTHING",
        [task],
    )


def test_a_worker_gives_up_no_job_whose_wish_has_become_moot(world: World, log: Path) -> None:
    world.services.store.queue.add([RestoreDatabase(database_id=DatabaseId(1_000_000))])

    with Worker(world.settings, log):
        wait_until(lambda: "databases:restore" not in world.jobs())

    failed = world.state.execute("SELECT FROM procrastinate_jobs WHERE status = 'failed'")
    assert failed.rowcount == 0

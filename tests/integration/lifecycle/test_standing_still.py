"""When work stands still, `/readyz`, `/metrics` and doctor say so; slow work is not that."""

from pathlib import Path

import pytest

from app.config import Config
from app.machine.restarts import RestartBook
from app.machine.surroundings import Machine
from app.operations.administration.diagnosis import Diagnosis, Health
from app.operations.administration.doctor import diagnose
from tests.integration.lifecycle.working import Worker, wait_until
from tests.integration.lifecycle.world import World

pytestmark = pytest.mark.own_service


@pytest.fixture
def world(world: World) -> World:
    """With a worker that asked for jobs and got some a moment ago."""
    world.state.execute("INSERT INTO procrastinate_workers DEFAULT VALUES")
    world.state.execute("UPDATE queue_activity SET asked_at = now(), fetched_at = now()")
    return world


def readiness(world: World, path: str = "/readyz") -> tuple[int, str]:
    answer = world.web.test_client().get(path)
    assert answer.json is not None
    return answer.status_code, answer.json.get("message", "")


def doctor(world: World, what: str) -> list[Diagnosis]:
    config = Config.from_environ(world.settings)
    surroundings = Machine(config, dsn=world.dsn)
    found = diagnose(world.services, surroundings, settings_warnings=())
    return [one for one in found if one.what == what]


def metric(world: World, line: str) -> float:
    text = world.web.test_client().get("/metrics").text
    [value] = [each.split()[-1] for each in text.splitlines() if each.startswith(line)]
    return float(value)


def add_job(world: World, *, minutes: int, **columns: str) -> None:
    """A job that has been due for so long."""
    world.state.execute(
        "INSERT INTO procrastinate_jobs (queue_name, task_name, lock, status, scheduled_at)"
        " VALUES ('databases', 'databases:ensure', %s, %s, now() - make_interval(mins => %s))",
        [columns.get("lock"), columns.get("status", "todo"), minutes],
    )


def be_silent(world: World, *, minutes: int) -> None:
    """No worker was given a job for so long."""
    world.state.execute(
        "UPDATE queue_activity SET fetched_at = now() - make_interval(mins => %s)", [minutes]
    )


def test_a_service_that_works_is_ready(world: World) -> None:
    add_job(world, minutes=0)

    assert readiness(world)[0] == 200
    assert [one.health for one in doctor(world, "worker")] == [Health.OK]


def test_a_queue_that_stands_still_is_seen(world: World) -> None:
    add_job(world, minutes=10)
    be_silent(world, minutes=9)

    status, message = readiness(world)

    assert (status, message) == (503, "The queue of databases stands still.")
    assert [one.health for one in doctor(world, "queue databases")] == [Health.BROKEN]
    assert metric(world, 'coppice_jobs_oldest_due_seconds{queue="databases"}') >= 600
    assert metric(world, 'coppice_jobs_silent_seconds{queue="databases"}') >= 540


def test_what_spreads_requests_is_told_of_the_web_server_alone(world: World) -> None:
    add_job(world, minutes=10)
    be_silent(world, minutes=9)

    assert readiness(world, "/readyz/web")[0] == 200


def test_a_long_line_that_moves_is_ready(world: World) -> None:
    add_job(world, minutes=10)

    assert readiness(world)[0] == 200
    assert doctor(world, "queue databases") == []
    assert [one.health for one in doctor(world, "worker")] == [Health.WARNING]


def test_a_quiet_queue_is_ready(world: World) -> None:
    be_silent(world, minutes=600)

    assert readiness(world)[0] == 200


def test_what_waits_for_a_machine_that_is_away_is_no_standstill(world: World) -> None:
    world.services.store.hosts.claim()
    world.state.execute("UPDATE hosts SET seen_at = seen_at - interval '1 hour'")
    add_job(world, minutes=10)
    world.state.execute(
        "UPDATE procrastinate_jobs SET queue_name = 'databases@' || (SELECT id FROM hosts)"
    )
    be_silent(world, minutes=9)

    assert readiness(world)[0] == 200
    assert doctor(world, f"queue databases@{world.services.store.hosts.here}") == []

    world.state.execute("UPDATE hosts SET seen_at = now()")
    assert readiness(world)[0] == 503


def test_a_job_that_waits_for_another_of_its_lock_is_not_due(world: World) -> None:
    add_job(world, minutes=10, lock="everything", status="doing")
    add_job(world, minutes=10, lock="everything")
    be_silent(world, minutes=9)

    assert readiness(world)[0] == 200


def test_a_job_that_hangs_is_seen_by_doctor(world: World) -> None:
    add_job(world, minutes=1)
    world.state.execute("UPDATE procrastinate_jobs SET status = 'doing'")
    world.state.execute("UPDATE procrastinate_events SET at = at - interval '40 minutes'")

    assert [one.health for one in doctor(world, "queue databases")] == [Health.BROKEN]
    assert metric(world, 'coppice_jobs_longest_run_seconds{queue="databases"}') >= 2400
    assert readiness(world)[0] == 200


def test_a_service_without_workers_is_not_ready_after_a_while(world: World) -> None:
    world.state.execute("DELETE FROM procrastinate_workers")

    at_once = readiness(world)[0]
    world.state.execute("UPDATE queue_activity SET asked_at = now() - interval '3 minutes'")

    assert at_once == 200
    assert readiness(world) == (503, "No worker is alive; 0 jobs wait.")
    assert [one.health for one in doctor(world, "worker")] == [Health.BROKEN]


def test_a_worker_makes_a_service_ready(world: World, tmp_path: Path) -> None:
    world.state.execute("DELETE FROM procrastinate_workers")
    world.state.execute("UPDATE queue_activity SET asked_at = NULL")
    assert readiness(world)[0] == 503

    with Worker(world.settings, tmp_path / "log"):
        wait_until(lambda: readiness(world)[0] == 200)


@pytest.mark.parametrize(("times", "health"), [(1, Health.WARNING), (3, Health.BROKEN)])
def test_what_had_to_be_started_again_is_seen(world: World, times: int, health: Health) -> None:
    file = Path(world.settings["COPPICE_DATA_DIR"]) / "restarts.json"
    book = RestartBook(file, parts=["web", "worker"])
    assert metric(world, 'coppice_restarts_total{part="worker"}') == 0
    assert metric(world, 'coppice_databases{state="error"}') is not None

    for _ in range(times):
        book.note("worker")

    found = [one.health for one in doctor(world, "worker") if "again" in one.words]
    assert found == [health]
    assert metric(world, 'coppice_restarts_total{part="worker"}') == times

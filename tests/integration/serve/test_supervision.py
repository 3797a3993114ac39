"""`serve` brings back whatever dies, and leaves nothing behind."""

import os
import signal
from pathlib import Path

import pytest

from tests.integration.serve.installation import Installation, await_that

WEB, WORKER = "gunicorn", "-m app worker"


def main_process(installation: Installation, word: str) -> int:
    """The first of the processes of that name: the others are its children."""
    await_that(lambda: installation.processes(word), what=installation.log)
    return min(installation.processes(word))


def state_server(installation: Installation) -> int:
    """The PostgreSQL of the state database."""
    return _noted(installation.data / "state" / "cluster" / "data" / "postmaster.pid")


def instance_server(installation: Installation, name: str) -> int:
    return _noted(installation.data / "instances" / name / "cluster" / "data" / "postmaster.pid")


def _noted(file: Path) -> int:
    # It is there for a moment before anything is in it.
    await_that(lambda: file.exists() and file.read_text(), what=f"no {file}")
    return int(file.read_text().split("\n", 1)[0])


def is_alive(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def kill(pid: int) -> None:
    os.kill(pid, signal.SIGKILL)
    await_that(lambda: not is_alive(pid), what=f"{pid} lives on")


@pytest.mark.parametrize("word", [WEB, WORKER])
def test_a_killed_child_comes_back(installation: Installation, word: str) -> None:
    installation.serve()
    old = main_process(installation, word)

    kill(old)

    await_that(
        lambda: set(installation.processes(word)) - {old} and installation.is_ready(),
        what=installation.log,
    )


def test_a_killed_web_worker_comes_back(installation: Installation) -> None:
    installation.serve()
    main = main_process(installation, WEB)
    await_that(lambda: len(installation.children(main)) == 2)
    before = installation.children(main)

    kill(before[0])

    await_that(lambda: len(set(installation.children(main)) - {before[0]}) == 2)
    assert installation.is_ready()


def test_a_killed_state_database_comes_back_on_its_port(installation: Installation) -> None:
    installation.serve()
    old, port = state_server(installation), (installation.data / "state" / "port").read_text()

    kill(old)

    await_that(
        lambda: state_server(installation) != old and installation.is_ready(),
        what=installation.log,
    )
    assert (installation.data / "state" / "port").read_text() == port


def test_a_provisioned_instance_is_looked_after_from_its_first_moment(
    installation: Installation,
) -> None:
    installation.serve()
    installation.ok("instances", "provision", "local")
    old = instance_server(installation, "local")

    kill(old)

    await_that(
        lambda: installation.run("instances", "test", "local").returncode == 0,
        what=installation.log,
    )
    assert instance_server(installation, "local") != old


def test_a_deleted_instance_does_not_come_back(installation: Installation) -> None:
    process = installation.serve()
    installation.ok("instances", "provision", "local")
    old = instance_server(installation, "local")

    installation.ok("instances", "delete", "local", "--yes")

    assert not is_alive(old)
    assert not (installation.data / "instances" / "local").exists()
    assert process.poll() is None


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_stop_leaves_no_process(installation: Installation, number: signal.Signals) -> None:
    process = installation.serve()
    installation.ok("instances", "provision", "local")
    servers = [state_server(installation), instance_server(installation, "local")]

    process.send_signal(number)

    assert process.wait(60) == 0, installation.log.read_text()
    assert installation.processes() == {}
    assert not any(is_alive(server) for server in servers)


def test_everything_ends_when_the_supervisor_is_killed(installation: Installation) -> None:
    process = installation.serve()

    process.kill()
    process.wait()

    await_that(lambda: not installation.processes(), what=installation.log)


def test_a_server_that_outlived_its_service_is_taken_over(installation: Installation) -> None:
    process = installation.serve()
    survivor = state_server(installation)
    # Stopped first, so that none can end the others in order.
    ours = [process.pid, *installation.processes(WEB), *installation.processes(WORKER)]
    for number in (signal.SIGSTOP, signal.SIGKILL):
        for pid in ours:
            os.kill(pid, number)
    process.wait()
    assert is_alive(survivor)

    taking_over = installation.serve()

    assert state_server(installation) == survivor
    taking_over.terminate()
    assert taking_over.wait(60) == 0
    assert not is_alive(survivor)


def test_a_second_serve_is_refused_with_the_process_that_is_in_the_way(
    installation: Installation,
) -> None:
    process = installation.serve()

    second = installation.run("serve")

    assert second.returncode == 1
    assert f"Another `serve` (process {process.pid})" in second.stderr
    assert "Traceback" not in second.stderr
    assert installation.is_ready()

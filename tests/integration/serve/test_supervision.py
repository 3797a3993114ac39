"""`serve` looks after the servers that it started, and leaves nothing behind."""

import os
import signal

import pytest

from app.postgres.embedded.server import EmbeddedServer
from tests.integration.replaying import Brake, make_changes
from tests.integration.serve.installation import Installation, await_that
from tests.integration.serve.killing import instance_server, is_alive, kill, state_server

WEB, WORKER = "gunicorn", "-m app worker"


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


def test_a_state_that_has_much_to_replay_is_told_of_and_not_waited_for_after_ctrl_c(
    installation: Installation,
) -> None:
    state = EmbeddedServer(installation.data / "state", settings={"fsync": "off"})
    make_changes(state)
    kill(state_server(installation))

    with Brake(state, stops=True):
        process = installation.start()
        await_that(
            lambda: "replays its last changes first" in installation.log.read_text(),
            what=installation.log,
        )
        process.send_signal(signal.SIGINT)
        await_that(lambda: not installation.processes(WORKER), what=installation.log)

    assert process.wait(60) == 0, installation.log.read_text()
    assert "Stopped." in installation.log.read_text()


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

    await_that(lambda: not installation.processes(WORKER), what=installation.log)


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

"""`serve` looks after the servers that it started, and leaves nothing behind."""

import os
import signal
import subprocess

from app.postgres.embedded.server import EmbeddedServer
from tests.integration.replaying import Brake, make_changes
from tests.integration.serve.installation import Installation, await_that
from tests.integration.serve.killing import instance_server, is_alive, kill, state_server

WEB, WORKER = "gunicorn", "-m app worker"


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


def stop(installation: Installation, process: subprocess.Popen[bytes], number: int) -> None:
    """Stop `serve` by a signal, with a provisioned instance: that leaves no process."""
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


def test_a_ctrl_c_leaves_no_process(installation: Installation) -> None:
    stop(installation, installation.serve(), signal.SIGINT)


def test_a_server_that_outlived_its_service_is_taken_over_and_stopped_by_sigterm(
    installation: Installation,
) -> None:
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
    stop(installation, taking_over, signal.SIGTERM)

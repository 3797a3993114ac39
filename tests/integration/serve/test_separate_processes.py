"""Web servers and workers that share one state database, as on several machines."""

import os
import signal
from pathlib import Path

from app.store.vault import new_key
from tests.integration.serve.installation import Installation, await_that, free_port


def workers_alive(machine: Installation) -> int:
    rows = machine.run("doctor", "--json").stdout
    return rows.count('"finding": "alive')


def test_two_web_servers_and_two_workers_share_one_state_database(
    machines: list[Installation],
) -> None:
    """And commands find the settings of the web servers, which their own shell has not."""
    elsewhere = f"http://127.0.0.1:{free_port()}"
    own = {"COPPICE_GITHUB_URL": elsewhere, "COPPICE_PUBLIC_URL": "https://db.example.com"}
    try:
        processes = [
            machine.start(command, **(own if command == "web" else {}))
            for machine in machines
            for command in ("web", "worker")
        ]
        for machine in machines:
            await_that(machine.is_ready, what=machine.log)
        await_that(lambda: workers_alive(machines[0]), what=machines[0].log)

        issuer = f"{elsewhere}/_services/token/.well-known/jwks does not answer"
        assert issuer in machines[1].run("doctor", "--json").stdout
        link = machines[1].ok("login-link")
        assert link.startswith("https://db.example.com/login/link?")

        for process in processes:
            process.terminate()

        assert [process.wait(60) for process in processes] == [0, 0, 0, 0]
        said = [machine.log.read_text() for machine in machines]
        assert "".join(said).count("CONNECT on the state database was revoked from PUBLIC") == 1
    finally:
        machines[1].close()


def test_a_web_server_starts_while_the_state_database_is_down_and_recovers(
    tmp_path: Path,
) -> None:
    port = free_port()
    url = f"postgresql://coppice:secret@127.0.0.1:{port}/coppice"
    settings = {"COPPICE_DATABASE_URL": url, "COPPICE_SECRET_KEYS": new_key()}
    installation = Installation(folder=tmp_path, settings=settings)
    try:
        process = installation.start("web")

        await_that(lambda: installation.is_ready(path="/healthz"), what=installation.log)

        assert not installation.is_ready()
        assert process.poll() is None
        assert "secret@" not in installation.log.read_text()
    finally:
        installation.close()


def test_keys_that_do_not_fit_end_a_worker(installation_on_server: Installation) -> None:
    installation_on_server.ok("instances", "list")
    installation_on_server.settings = {
        **installation_on_server.settings,
        "COPPICE_SECRET_KEYS": new_key(),
    }

    finished = installation_on_server.run("worker")

    assert finished.returncode == 1
    assert "The secret keys do not fit" in finished.stderr


def test_a_worker_that_is_killed_leaves_its_place_to_the_next(
    installation_on_server: Installation,
) -> None:
    first = installation_on_server.start("worker")
    await_that(lambda: workers_alive(installation_on_server), what=installation_on_server.log)

    os.kill(first.pid, signal.SIGKILL)
    first.wait()
    second = installation_on_server.start("worker")

    await_that(
        lambda: installation_on_server.log.read_text().count("The worker runs.") == 2,
        what=installation_on_server.log,
    )
    second.terminate()
    assert second.wait(60) == 0

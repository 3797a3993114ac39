"""What a start says, makes and refuses."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.store.vault import new_key
from tests.integration.serve.installation import Installation, await_that


def test_what_comes_next_depends_on_what_there_is(
    installation: Installation,
) -> None:
    provisioned = installation.run("instances", "provision", "local").stderr

    installation.serve()

    await_that(lambda: "Next, in another" in installation.log.read_text())
    assign = "coppice apps assign OWNER/REPO local"
    assert f"once GitHub is connected: {assign}" in installation.log.read_text()
    assert f"/setup as an operator; `coppice login-link` lets you in. Then: {assign}" in provisioned
    assert "instances provision" not in installation.log.read_text()


def test_an_address_that_is_not_https_is_said_once_and_is_not_called_missing(
    installation: Installation,
) -> None:
    address = "http://coppice.example.com"
    installation.settings = {**installation.settings, "COPPICE_PUBLIC_URL": address}

    installation.serve()

    await_that(lambda: "Next, in another" in installation.log.read_text())
    await_that(lambda: "worker: alive" in installation.run("doctor").stdout)
    said = installation.log.read_text()
    assert said.count("COPPICE_PUBLIC_URL is not https") == 1
    assert f"GitHub must reach the service for that. {address} is not https" in said
    assert "to an https address at which GitHub reaches" in said
    assert "set COPPICE_PUBLIC_URL.)" not in said


@pytest.mark.parametrize("command", ["serve", "web"])
def test_an_address_in_use_is_said_in_a_sentence(installation: Installation, command: str) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", installation.port))
        other.listen()

        finished = installation.run(command)

    assert finished.returncode == 1
    assert f"Cannot listen on 127.0.0.1:{installation.port}" in finished.stderr
    assert "COPPICE_BIND" in finished.stderr
    assert installation.processes() == {}


def test_wrong_settings_are_said_all_at_once(tmp_path: Path) -> None:
    installation = Installation(
        folder=tmp_path,
        settings={"COPPICE_RETENTION_DAYS": "never", "COPPICE_OIDC_ISSUER": "nowhere"},
    )

    finished = installation.run("serve")

    assert finished.returncode == 1
    assert "COPPICE_RETENTION_DAYS: " in finished.stderr
    assert "COPPICE_OIDC_ISSUER: " in finished.stderr
    assert "Traceback" not in finished.stderr


@pytest.mark.parametrize("text", ["", "nonsense"])
def test_a_file_without_keys_is_named(installation: Installation, text: str) -> None:
    file = installation.data / "secret-keys"
    file.parent.mkdir()
    file.write_text(text)

    finished = installation.run("instances", "list")

    assert finished.returncode == 1
    assert finished.stderr.startswith(f"{file} holds something that is not a Fernet key.")


def test_a_data_directory_that_cannot_be_made_is_said_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "data").write_text("a file")
    installation = Installation(folder=tmp_path)

    finished = installation.run("serve")

    assert finished.returncode == 1
    assert f"{installation.data} cannot be made: File exists." in finished.stderr
    assert "COPPICE_DATA_DIR" in finished.stderr


@pytest.fixture(scope="module")
def unserved(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """With a provisioned instance, and all that commands made for it: no `serve` ever ran."""
    installation = Installation(folder=tmp_path_factory.mktemp("unserved"))
    try:
        installation.ok("instances", "provision", "local")
        yield installation
    finally:
        installation.close()


def test_commands_work_without_serve_and_leave_no_server_running(unserved: Installation) -> None:
    assert unserved.processes() == {}
    assert "works" in unserved.ok("instances", "test", "local")
    assert unserved.processes() == {}


def test_secrets_that_a_command_made_can_be_read_by_nobody_else(unserved: Installation) -> None:
    for name in ("secret-keys", "admin-token"):
        assert (unserved.data / name).stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("command", ["serve", "web", "worker"])
def test_the_wrong_keys_stop_a_start_and_leave_no_process(
    unserved: Installation, command: str
) -> None:
    finished = replace(unserved, settings={"COPPICE_SECRET_KEYS": new_key()}).run(command)

    assert finished.returncode == 1
    assert finished.stderr.startswith("The secret keys do not fit this state database.")
    assert "Traceback" not in finished.stderr
    assert unserved.processes() == {}


def test_a_new_key_in_front_keeps_the_old_secrets_readable(unserved: Installation) -> None:
    old = (unserved.data / "secret-keys").read_text().strip()

    both = replace(unserved, settings={"COPPICE_SECRET_KEYS": f"{new_key()},{old}"})

    assert "local" in both.ok("instances", "list")

"""One service that was started for the first time: what it said, and that it brings back its own.

All these share it, so each leaves it as ready as it was.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

import pytest
import requests

from tests.integration.serve.installation import Installation, await_that
from tests.integration.serve.killing import instance_server, is_alive, kill, state_server

WEB, WORKER = "gunicorn", "-m app worker"


@dataclass(frozen=True, kw_only=True)
class Running:
    """A service that is ready."""

    installation: Installation
    supervisor: int
    said: str
    """All that was written until it was ready."""

    def child(self, word: str, *, other_than: int = 0) -> int:
        """The process of that name which the supervisor started; others are children of that."""
        installation = self.installation

        def look() -> list[int]:
            ours = installation.processes(word)
            return [one for one in installation.children(self.supervisor) if one in ours]

        await_that(lambda: set(look()) - {other_than}, what=installation.log)
        [pid] = look()
        return pid


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    installation = Installation(folder=tmp_path_factory.mktemp("running"))
    try:
        process = installation.serve()
        await_that(lambda: "Next, in another" in installation.log.read_text())
        said = installation.log.read_text()
        yield Running(installation=installation, supervisor=process.pid, said=said)
    finally:
        installation.close()


# --- what it said --------------------------------------------------------------------------------


def test_a_first_start_needs_no_setting_and_says_what_comes_next(running: Running) -> None:
    url = running.installation.url

    assert "instances provision local" in running.said
    assert f"Coppice is ready at {url}" in running.said
    assert f"connect GitHub at {url}/setup" in running.said
    assert f"Its data is in {running.installation.data}" in running.said


def test_a_start_that_goes_well_is_told_in_sentences_alone(running: Running) -> None:
    assert [line for line in running.said.splitlines() if line[0] == "{"] == []


def test_the_link_that_a_start_prints_lets_the_operator_in_once(running: Running) -> None:
    found = re.search(r"Log in as operator .*: (http://\S+)", running.said)
    assert found
    browser = requests.Session()

    token = re.search(r'name="csrf_token" value="([^"]+)"', browser.get(found[1], timeout=30).text)
    assert token
    answer = browser.post(
        f"{running.installation.url}/login/link",
        {"token": found[1].partition("token=")[2], "csrf_token": token[1]},
        timeout=30,
    )

    assert answer.url == f"{running.installation.url}/setup"
    assert "Connect GitHub" in answer.text
    assert requests.get(found[1], timeout=30).status_code == 403


def test_another_link_can_be_made_at_any_time(running: Running) -> None:
    settings = {"COPPICE_BIND": "127.0.0.1:8000"}

    link = running.installation.ok("login-link").strip()
    # Typed in a shell without the setting.
    elsewhere = replace(running.installation, settings=settings).ok("login-link").strip()

    for each in (link, elsewhere):
        assert each.startswith(f"{running.installation.url}/login/link?token=")
        assert requests.get(each, timeout=30).status_code == 200


@pytest.mark.parametrize("name", ["secret-keys", "admin-token"])
def test_secrets_that_it_made_can_be_read_by_nobody_else(running: Running, name: str) -> None:
    assert (running.installation.data / name).stat().st_mode & 0o077 == 0


def test_a_second_serve_is_refused_with_the_process_that_is_in_the_way(running: Running) -> None:
    second = running.installation.run("serve")

    assert second.returncode == 1
    assert f"Another `serve` (process {running.supervisor})" in second.stderr
    assert "Traceback" not in second.stderr
    assert running.installation.is_ready()


# --- what dies comes back ------------------------------------------------------------------------


def test_a_killed_web_server_comes_back(running: Running) -> None:
    old = running.child(WEB)

    kill(old)

    new = running.child(WEB, other_than=old)
    # The old one's workers answer for a moment longer.
    await_that(lambda: len(running.installation.children(new)) == 2)
    await_that(running.installation.is_ready, what=running.installation.log)


def test_a_killed_worker_comes_back(running: Running) -> None:
    old = running.child(WORKER)

    kill(old)

    assert running.child(WORKER, other_than=old)
    assert running.installation.is_ready()
    assert (
        "worker: ended by itself and was started again" in running.installation.run("doctor").stdout
    )
    metrics = requests.get(f"{running.installation.url}/metrics", timeout=30).text
    assert 'coppice_restarts_total{part="worker"}' in metrics


def test_a_killed_worker_of_the_web_server_comes_back(running: Running) -> None:
    installation, main = running.installation, running.child(WEB)
    await_that(lambda: len(installation.children(main)) == 2)
    before = installation.children(main)

    kill(before[0])

    await_that(lambda: len(set(installation.children(main)) - {before[0]}) == 2)
    assert installation.is_ready()


def test_a_killed_state_database_comes_back_on_its_port(running: Running) -> None:
    installation = running.installation
    port = (installation.data / "state" / "port").read_text()
    old = state_server(installation)

    kill(old)

    await_that(
        lambda: state_server(installation) != old and installation.is_ready(),
        what=installation.log,
    )
    assert (installation.data / "state" / "port").read_text() == port


def test_a_provisioned_instance_is_looked_after_from_its_first_moment(running: Running) -> None:
    installation = running.installation
    installation.ok("instances", "provision", "kept")
    old = instance_server(installation, "kept")

    kill(old)

    await_that(
        lambda: installation.run("instances", "test", "kept").returncode == 0,
        what=installation.log,
    )
    assert instance_server(installation, "kept") != old


def test_a_deleted_instance_does_not_come_back(running: Running) -> None:
    installation = running.installation
    installation.ok("instances", "provision", "deleted")
    old = instance_server(installation, "deleted")

    installation.ok("instances", "delete", "deleted", "--yes")

    assert not is_alive(old)
    assert not (installation.data / "instances" / "deleted").exists()
    assert is_alive(running.supervisor)

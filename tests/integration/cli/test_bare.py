"""The command line where only what commands need is installed, as on a developer's machine."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.integration.cli import bare
from tests.integration.serve.installation import free_port


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    return bare.install(tmp_path / "packages")


def run(packages: Path, *words: str) -> subprocess.CompletedProcess[str]:
    home = packages.parent
    return subprocess.run(
        [*bare.python(packages), *words],
        cwd=home,
        env={"HOME": str(home), "PATH": "/usr/bin:/bin"},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_service_elsewhere_is_asked(packages: Path) -> None:
    folder = packages.parent / ".config" / "coppice"
    folder.mkdir(parents=True)
    url = f"http://127.0.0.1:{free_port()}"
    (folder / "login.json").write_text(json.dumps({"url": url, "token": "none", "who": "ada"}))

    for words in (["databases", "list"], ["apps", "list"], ["env", "a/b"], ["migrate", "a/b"]):
        asked = run(packages, *words)

        assert f"{url} does not answer." in asked.stderr
        assert asked.returncode == 1


@pytest.mark.parametrize(
    "words",
    [["serve"], ["web"], ["doctor"], ["reconcile"], ["--local", "apps", "list"]],
    ids=" ".join,
)
def test_what_needs_a_service_says_what_to_install(packages: Path, words: list[str]) -> None:
    refused = run(packages, *words)

    assert refused.returncode == 1
    assert refused.stderr.startswith("This command needs a service on this machine")
    assert "'coppice[server] @ git+https://github.com/acme/coppice'" in refused.stderr
    assert "Traceback" not in refused.stderr


def test_who_is_logged_in_nowhere_is_told_to_log_in_or_what_to_install(packages: Path) -> None:
    refused = run(packages, "apps", "list")

    assert refused.returncode == 1
    assert refused.stderr.startswith("There is no service here")
    assert "coppice login URL" in refused.stderr
    assert "'coppice[server] @ git+https://github.com/acme/coppice'" in refused.stderr
    assert "--local" not in refused.stderr


def test_a_command_that_is_completed_needs_nothing_more(packages: Path) -> None:
    shown = run(packages, "--show-completion", "bash")

    assert "_COPPICE_COMPLETE=complete_bash" in shown.stdout

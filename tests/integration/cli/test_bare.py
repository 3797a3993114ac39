"""The command line where only what commands need is installed, as on a developer's machine."""

import json
import re
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest

from tests.integration.serve.installation import CHECKOUT, free_port

SMALL = tomllib.loads((CHECKOUT / "pyproject.toml").read_text())["project"]["dependencies"]
# As Python starts with nothing installed, and then finds these folders.
START = (
    "import sys; sys.path[:0] = sys.argv[1:3]; del sys.argv[1:3]; from app.cli import main; main()"
)
METADATA = "Metadata-Version: 2.4\nName: coppice\nVersion: 0.1.0\n"


def with_what_it_needs(requirement: str, found: dict[str, metadata.Distribution]) -> None:
    """The package and all that it requires; extras and other systems' needs are left out."""
    name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
    if name in found or "extra ==" in requirement:
        return
    try:
        found[name] = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return  # of another system
    for each in found[name].requires or []:
        with_what_it_needs(each, found)


@pytest.fixture
def packages(tmp_path: Path) -> Path:
    """The packages of a client alone, and Coppice's own record, of which a server's part lacks."""
    found: dict[str, metadata.Distribution] = {}
    for requirement in SMALL:
        with_what_it_needs(requirement, found)
    folder = tmp_path / "packages"
    folder.mkdir()
    for distribution in found.values():
        for top in {file.parts[0] for file in distribution.files or []} - {".."}:
            if not (folder / top).is_symlink():
                (folder / top).symlink_to(str(distribution.locate_file(top)))
    record = folder / "coppice-0.1.0.dist-info"
    record.mkdir()
    needed = [*SMALL, 'never-installed==1; extra == "server"']
    lines = "".join(f"Requires-Dist: {each}\n" for each in needed)
    (record / "METADATA").write_text(METADATA + lines)
    origin = {"url": "https://github.com/acme/coppice", "vcs_info": {"vcs": "git"}}
    (record / "direct_url.json").write_text(json.dumps(origin))
    return folder


def run(packages: Path, *words: str) -> subprocess.CompletedProcess[str]:
    home = packages.parent
    return subprocess.run(
        [sys.executable, "-S", "-c", START, str(packages), str(CHECKOUT), *words],
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
    [["serve"], ["web"], ["doctor"], ["instances", "list"], ["--local", "apps", "list"]],
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

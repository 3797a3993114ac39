"""What a developer installs, and what is said where the service's packages are missing."""

import re
import tomllib
from pathlib import Path

import pytest

from app.cli.packages import install_command, specification

ROOT = Path(__file__).parents[2]
GIT = "https://github.com/acme/coppice"


def test_what_commands_need_is_pinned_as_the_service_has_it() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    of_service = (ROOT / "requirements.txt").read_text().splitlines()

    assert project["project"]["dependencies"]
    assert set(project["project"]["dependencies"]) <= set(of_service)
    files = project["tool"]["setuptools"]["dynamic"]["optional-dependencies"]["server"]["file"]
    assert files == ["requirements.txt"]


@pytest.mark.parametrize(
    ("origin", "expected"),
    [
        (None, "coppice[server]"),
        (
            f'{{"url": "{GIT}", "vcs_info": {{"vcs": "git", "commit_id": "c0ffee"}}}}',
            f"coppice[server] @ git+{GIT}",
        ),
        (
            f'{{"url": "{GIT}", "vcs_info": {{"vcs": "git", "requested_revision": "v1"}}}}',
            f"coppice[server] @ git+{GIT}@v1",
        ),
        ('{"url": "file:///src", "dir_info": {}}', "coppice[server] @ file:///src"),
    ],
)
def test_the_service_comes_from_where_the_commands_came_from(
    origin: str | None, expected: str
) -> None:
    assert specification(origin) == expected


@pytest.mark.parametrize(
    ("mark", "expected"),
    [
        ("pipx_metadata.json", "pipx install --force 'a b'"),
        ("uv-receipt.toml", "uv tool install --force 'a b'"),
        ("pyvenv.cfg", "{folder}/bin/python -m pip install 'a b'"),
    ],
)
def test_it_is_installed_by_what_installed_the_commands(
    tmp_path: Path, mark: str, expected: str
) -> None:
    (tmp_path / mark).touch()

    assert install_command("a b", environment=tmp_path) == expected.format(folder=tmp_path)


def test_the_documents_install_what_there_is() -> None:
    texts = [
        path.read_text()
        for path in (ROOT / "README.md", *(ROOT / "docs").iterdir())
        if path.suffix in {".md", ".service"}
    ]
    named = set(re.findall(r"coppice\[(\w+)\]", "".join(texts)))

    assert named == {"server"}

"""What a command loads before it does anything: loading is most of what a short command takes."""

import json
import subprocess
import sys

import pytest

from tests.integration.serve.installation import CHECKOUT, Installation, free_port

# Of the service, and of no use to who only asks one. (Pydantic is not here: Typer itself loads it.)
HEAVY = {"flask", "github", "procrastinate", "psycopg", "structlog"}


def loaded(coppice: Installation, *arguments: str, is_refused: bool = False) -> set[str]:
    """The packages that a command imports. https://docs.python.org/3/using/cmdline.html#cmdoption-X"""
    finished = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "app", *arguments],
        cwd=CHECKOUT,
        env=coppice.environ,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == int(is_refused), finished.stderr
    lines = [line for line in finished.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip().partition(".")[0] for line in lines}


@pytest.mark.parametrize("words", [[], ["login"], ["apps", "assign"]])
def test_help_loads_nothing_of_the_service(coppice: Installation, words: list[str]) -> None:
    found = loaded(coppice, *words, "--help")

    assert "typer" in found
    assert not found & {*HEAVY, "requests"}


def test_a_service_elsewhere_is_asked_without_loading_one(coppice: Installation) -> None:
    folder = coppice.folder / ".config" / "coppice"
    folder.mkdir(parents=True)
    url = f"http://127.0.0.1:{free_port()}"
    (folder / "login.json").write_text(json.dumps({"url": url, "token": "none", "who": "ada"}))

    found = loaded(coppice, "--remote", "databases", "list", is_refused=True)

    assert "requests" in found
    assert not found & HEAVY


def test_a_command_here_loads_no_client_of_github(coppice: Installation) -> None:
    found = loaded(coppice, "instances", "list")

    assert "psycopg" in found
    assert not found & {"flask", "github"}

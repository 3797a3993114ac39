"""How a command starts: what it loads, for that is most of what a short one takes; in our tests."""

import json
import subprocess
import sys

import pytest

from tests import commands
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
    assert "github" not in found


@pytest.mark.parametrize(
    "words",
    [
        ["--help"],
        ["apps", "assign"],  # a mistake: 2
        ["instances", "show", "nowhere"],  # an error of ours: 1
        ["instances", "list"],
    ],
    ids=" ".join,
)
def test_a_command_of_our_tests_is_what_people_start(
    coppice: Installation, words: list[str]
) -> None:
    started, forked = (
        way(*words, environ=coppice.environ, timeout_seconds=60)
        for way in (commands.start, commands.run)
    )

    assert (forked.returncode, forked.stdout) == (started.returncode, started.stdout)
    assert forked.stderr == started.stderr


def test_both_have_the_variables_that_they_were_given(coppice: Installation) -> None:
    coppice.ok("tokens", "create", "für später")

    started = commands.start("tokens", "list", environ=coppice.environ, timeout_seconds=60)

    assert "für später" in started.stdout
    assert coppice.ok("tokens", "list") == started.stdout

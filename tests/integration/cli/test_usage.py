"""What the command line says when it is used wrongly, or asked."""

import contextlib
import json
import os
import secrets
import subprocess
import sys
from importlib import metadata
from pathlib import Path

import pytest
from psycopg import sql

from app.core.assignments import (
    BotPolicy,
    LogPolicy,
    PreviewFailure,
    PreviewPolicy,
    RunnerPolicy,
)
from app.core.instances import AdminLogin
from app.postgres.sessions import admin_login, connect
from tests import commands
from tests.integration.serve.installation import CHECKOUT, Installation
from tests.integration.shared_cluster import let_in, remove_role

GROUPS = {
    "instances": ["provision", "link", "test", "list", "show", "edit", "delete"],
    "apps": ["list", "show", "assign", "edit", "remove"],
    "databases": ["list", "show", "create", "fix", "reset", "restore", "delete"],
}
SINGLE = ["serve", "web", "worker", "reconcile", "doctor", "env", "psql"]


@pytest.fixture
def coppice(coppice: Installation) -> Installation:
    """Everything here runs `python -m app` itself."""
    coppice.way_to_run = commands.start
    return coppice


def test_help_names_every_command(coppice: Installation) -> None:
    text = coppice.ok("--help")

    assert [name for name in [*GROUPS, *SINGLE] if name not in text] == []


@pytest.mark.parametrize("group", GROUPS)
def test_help_of_a_group_names_its_commands(coppice: Installation, group: str) -> None:
    text = coppice.ok(group, "--help")

    assert [name for name in GROUPS[group] if name not in text] == []


def test_the_version_is_said(coppice: Installation) -> None:
    assert coppice.ok("--version") == f"coppice {metadata.version('coppice')}\n"


@pytest.mark.parametrize("words", [["prune"], ["apps", "assign"], ["env", "a/b", "--format", "x"]])
def test_a_wrong_command_line_ends_with_2(coppice: Installation, words: list[str]) -> None:
    assert coppice.run(*words).returncode == 2


def test_help_fits_a_terminal_and_says_what_each_choice_means(coppice: Installation) -> None:
    text = coppice.ok("apps", "assign", "--help")

    assert max(len(line) for line in text.splitlines()) <= 80
    words = " ".join(text.split())
    for choice in [*PreviewPolicy, *PreviewFailure, *RunnerPolicy, *BotPolicy, *LogPolicy]:
        assert f"`{choice}`" in words.replace("- ", "-"), choice


def test_help_says_what_a_name_may_be_and_of_an_app_id_what_it_does_there(
    coppice: Installation,
) -> None:
    of_database = coppice.ok("databases", "fix", "--help")
    of_app = {name: coppice.ok("apps", name, "--help") for name in ("assign", "show", "remove")}

    assert "OWNER/REPO|NAME" in of_database
    assert "makes one more app" in " ".join(of_app["assign"].split())
    assert "one more" not in of_app["show"] + of_app["remove"]


def test_an_unknown_name_is_said_in_a_sentence(coppice: Installation) -> None:
    finished = coppice.run("instances", "show", "nowhere")

    assert finished.returncode == 1
    assert finished.stdout == ""
    assert finished.stderr.splitlines()[0] == "There is no instance named nowhere."


def test_commands_are_told_as_they_can_be_typed(coppice: Installation) -> None:
    here = os.environ["PATH"]
    bare = os.pathsep.join(
        each for each in here.split(os.pathsep) if not (Path(each) / "coppice").exists()
    )
    advice = {}
    for path in (here, bare):
        coppice.settings = {**coppice.settings, "PATH": path}
        advice[path] = coppice.run("apps", "edit", "acme/shop").stderr

    assert "`coppice apps edit --help`" in advice[here]
    assert f"`{sys.executable} -m app apps edit --help`" in advice[bare]


def test_a_state_database_that_is_down_is_said_in_a_sentence(coppice: Installation) -> None:
    coppice.settings = {
        **coppice.settings,
        "COPPICE_DATABASE_URL": "postgresql://coppice:hunter2hunter2@127.0.0.1:1/coppice",
    }

    finished = coppice.run("instances", "list")

    assert finished.returncode == 1
    assert "The state database does not answer." in finished.stderr
    assert "hunter2" not in finished.stderr


@pytest.mark.parametrize("words", ["me:hun%ZZter2@db/coppice", "me:hunter2@db/coppice?no=1"])
def test_a_state_url_that_cannot_be_read_is_not_repeated(coppice: Installation, words: str) -> None:
    coppice.settings = {**coppice.settings, "COPPICE_DATABASE_URL": f"postgresql://{words}"}

    finished = coppice.run("instances", "list")

    assert finished.returncode == 1
    assert finished.stderr.startswith("PostgreSQL's client cannot read COPPICE_DATABASE_URL.")
    assert "hun" not in finished.stderr


def test_a_state_database_of_somebody_else_is_said_with_the_remedy(
    coppice: Installation, postgres_superuser: AdminLogin
) -> None:
    address, role = postgres_superuser.address, f"poor_{secrets.token_hex(4)}"
    with connect(admin_login(postgres_superuser)) as session:
        name = sql.Identifier(role)
        session.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD 'poor'").format(name))
        let_in(session, name)
    url = f"postgresql://{role}:poor@{address.host}:{address.port}/postgres"
    coppice.settings = {**coppice.settings, "COPPICE_DATABASE_URL": url}

    finished = coppice.run("instances", "list")

    assert finished.returncode == 1
    assert "The state database cannot be set up: permission denied" in finished.stderr
    assert "OWNER TO" in finished.stderr
    with connect(admin_login(postgres_superuser)) as session:
        remove_role(session, name)


def test_doctor_ends_with_1_while_no_worker_lives(coppice: Installation) -> None:
    finished = coppice.run("doctor")

    assert finished.returncode == 1
    assert "none is alive" in finished.stdout
    address = f"http://127.0.0.1:{coppice.port}"
    assert f"not connected. {address} means this machine itself" in finished.stdout
    assert "Set COPPICE_PUBLIC_URL to an https address" in finished.stdout


def test_doctor_fits_a_terminal(coppice: Installation) -> None:
    coppice.ok("instances", "provision", "local")

    text = shown_at_80_columns(coppice, "doctor")

    assert max(len(line.rstrip()) for line in text.splitlines()) <= 80
    words = " ".join(text.split())
    assert "instance local: only this machine reaches it: runners are told 127.0.0.1" in words
    assert "instances edit" not in words
    assert "instances link" in words


def test_doctor_keeps_its_shape_for_programs(coppice: Installation) -> None:
    rows = json.loads(coppice.run("doctor", "--json").stdout)

    assert {tuple(row) for row in rows} == {("what", "state", "finding", "advice")}


def shown_at_80_columns(coppice: Installation, *arguments: str) -> str:
    """What a command prints on a terminal."""
    ours, theirs = os.openpty()
    with os.fdopen(theirs, "wb") as terminal:
        process = subprocess.Popen(
            [sys.executable, "-m", "app", *arguments],
            cwd=CHECKOUT,
            env={**coppice.environ, "COLUMNS": "80", "TERM": "dumb"},
            stdin=subprocess.DEVNULL,
            stdout=terminal,
            stderr=subprocess.DEVNULL,
        )
    parts = []
    with contextlib.suppress(OSError):  # EIO: the other end is closed
        while part := os.read(ours, 65536):
            parts.append(part)
    os.close(ours)
    process.wait()
    return b"".join(parts).decode()

"""Looking after single databases, and connecting to them, from the command line."""

import json
import subprocess
from functools import partial
from pathlib import Path

import psycopg
import pytest

from app.core.instances import AdminLogin
from app.store.connection import state_conninfo
from demo.github.model import Repository
from demo.github.server import LocalGitHub
from tests import commands
from tests.integration.lifecycle.proxy import Proxy
from tests.integration.serve.installation import Installation

LOGIN = ["acme/shop", "--branch", "feature/login"]


@pytest.fixture
def login_branch(assigned: Installation, github: LocalGitHub, shop: Repository) -> Installation:
    """With a database for the branch feature/login."""
    github.push(shop, "feature/login")
    assigned.ok("databases", "create", *LOGIN)
    return assigned


def query(coppice: Installation, statement: str) -> str:
    return coppice.ok("psql", *LOGIN, "--", "-Atqc", statement).strip()


def state(coppice: Installation) -> str:
    return str(json.loads(coppice.ok("databases", "show", *LOGIN, "--json"))["state"])


def test_a_branch_that_github_does_not_have_gets_no_database(assigned: Installation) -> None:
    finished = assigned.run("databases", "create", "acme/shop", "--branch", "nowhere")

    assert finished.returncode == 1
    assert "has no branch 'nowhere'" in finished.stderr


def test_the_default_branch_is_not_taken_for_production(assigned: Installation) -> None:
    finished = assigned.run("env", "acme/shop", "--branch", "main")

    assert finished.returncode == 1
    assert "--environment production" in finished.stderr


def test_psql_connects_as_the_databases_own_login(login_branch: Installation) -> None:
    name = json.loads(login_branch.ok("databases", "show", *LOGIN, "--json"))["name"]
    assert query(login_branch, "SELECT current_database()") == name


def test_an_option_of_psqls_with_its_value_attached_is_psqls(login_branch: Installation) -> None:
    assert login_branch.ok("psql", *LOGIN, "-Atqc", "SELECT 1").strip() == "1"
    assert login_branch.ok("psql", *LOGIN, "-Atq", "-cSELECT 'h'").strip() == "h"


def test_psql_is_not_told_the_password_on_its_command_line(login_branch: Installation) -> None:
    password = json.loads(login_branch.ok("env", *LOGIN, "--format", "json"))["PGPASSWORD"]

    words = query(login_branch, r"\! cat /proc/$PPID/cmdline")

    assert "psql" in words
    assert password not in words


def test_a_database_past_its_limit_is_listed_as_such(
    login_branch: Installation, state_dsn: str
) -> None:
    unlimited = login_branch.ok("databases", "list")
    with psycopg.connect(state_conninfo(state_dsn)) as session:
        limits = '{"database_bytes": 20971520}'
        session.execute("INSERT INTO instance_limits SELECT id, %s FROM instances", [limits])
        session.execute("INSERT INTO database_sizes SELECT id, now(), 25165824 FROM databases")

    listed = json.loads(login_branch.ok("databases", "list", "--json"))
    shown = json.loads(login_branch.ok("databases", "show", *LOGIN, "--json"))

    excess = "It holds 24 MB, more than the 20 MB that are allowed."
    assert {one["over_limit"] for one in [*listed, shown]} == {excess}
    assert shown["state"] == "ready"
    assert "OVER LIMIT" not in unlimited
    assert "OVER LIMIT" in login_branch.ok("databases", "list")


def test_a_list_says_where_the_reason_of_an_error_stands(
    login_branch: Installation, state_dsn: str
) -> None:
    well = login_branch.run("databases", "list")
    with psycopg.connect(state_conninfo(state_dsn)) as session:
        session.execute("UPDATE databases SET state = 'error', reason = 'It is full.'")

    failed = login_branch.run("databases", "list")

    name = json.loads(login_branch.ok("databases", "show", *LOGIN, "--json"))["name"]
    assert f"coppice databases show {name}" in failed.stderr
    assert "databases show" not in well.stderr


def test_a_reset_empties_a_database_and_keeps_its_login(login_branch: Installation) -> None:
    query(login_branch, "CREATE TABLE t ()")
    before = login_branch.ok("env", *LOGIN)

    said = login_branch.run("databases", "reset", *LOGIN, "--yes")

    assert "is empty. Re-run its workflow to migrate it." in said.stdout + said.stderr
    assert query(login_branch, "SELECT to_regclass('t') IS NULL") == "t"
    assert login_branch.ok("env", *LOGIN) == before


def test_a_deleted_database_comes_back_with_its_data(login_branch: Installation) -> None:
    query(login_branch, "CREATE TABLE t ()")

    login_branch.ok("databases", "delete", *LOGIN, "--yes")

    assert state(login_branch) == "deleted"
    for look in (["instances", "list"], ["apps", "show", "acme/shop"], ["doctor"]):
        assert "0, and 1 deleted that is kept" in login_branch.run(*look).stdout
    assert login_branch.run("env", *LOGIN).returncode == 1
    login_branch.ok("databases", "restore", *LOGIN)
    assert query(login_branch, "SELECT to_regclass('t')") == "t"


def test_create_says_whether_it_brought_a_database_back(login_branch: Installation) -> None:
    query(login_branch, "CREATE TABLE t ()")
    there = login_branch.ok("databases", "create", *LOGIN)
    login_branch.ok("databases", "delete", *LOGIN, "--yes")

    restored = login_branch.ok("databases", "create", *LOGIN)

    assert there.endswith(" is ready.\n")
    assert restored.endswith(" is ready again: it is restored with its data.\n")
    assert query(login_branch, "SELECT to_regclass('t')") == "t"


def test_a_fix_makes_a_changed_password_good_again(login_branch: Installation) -> None:
    query(login_branch, "ALTER ROLE CURRENT_USER PASSWORD 'somethingelse'")

    login_branch.ok("databases", "fix", *LOGIN)

    assert query(login_branch, "SELECT 1") == "1"


@pytest.mark.parametrize("command", ["reset", "delete"])
def test_nothing_is_lost_without_a_word(login_branch: Installation, command: str) -> None:
    finished = login_branch.run("databases", command, *LOGIN)

    name = json.loads(login_branch.ok("databases", "show", *LOGIN, "--json"))["name"]
    assert finished.returncode == 1
    assert finished.stderr.startswith("Nothing was done. This would ")
    assert name in finished.stderr
    assert "--yes" in finished.stderr
    assert state(login_branch) == "ready"


def test_variables_for_a_shell_are_read_back_by_one(login_branch: Installation) -> None:
    text = login_branch.ok("env", *LOGIN, "--format", "shell")

    read = subprocess.run(
        ["sh", "-c", f'{text}\nprintf %s "$DATABASE_URL"'],
        capture_output=True,
        text=True,
        check=True,
    )

    wanted = json.loads(login_branch.ok("env", *LOGIN, "--format", "json"))["DATABASE_URL"]
    assert read.stdout == wanted


def test_the_database_for_local_work_is_made_when_it_is_asked_for(assigned: Installation) -> None:
    text = assigned.ok("env", "acme/shop")

    assert "COPPICE_ENVIRONMENT=dev\n" in text
    assert "PGDATABASE=" in text


def test_an_accelerate_url_belongs_to_one_database(login_branch: Installation) -> None:
    url = "prisma://accelerate.prisma-data.net/?api_key=abcdefgh"

    login_branch.ok("databases", "edit", *LOGIN, "--accelerate-url", url)

    with_url = json.loads(login_branch.ok("env", *LOGIN, "--format", "json"))
    elsewhere = login_branch.ok("env", "acme/shop", "--format", "json")
    assert with_url["PRISMA_ACCELERATE_URL"] == url
    assert "PRISMA_ACCELERATE_URL" not in json.loads(elsewhere)


def test_something_else_is_not_taken_for_an_accelerate_url(login_branch: Installation) -> None:
    finished = login_branch.run(
        "databases", "edit", *LOGIN, "--accelerate-url", "postgresql://elsewhere/db"
    )

    assert finished.returncode == 1
    assert "elsewhere" not in finished.stderr


def shown(coppice: Installation) -> dict[str, object]:
    record: dict[str, object] = json.loads(coppice.ok("databases", "show", *LOGIN, "--json"))
    return record


def test_a_seed_is_asked_for_and_shown_as_owed(login_branch: Installation) -> None:
    before = shown(login_branch)

    login_branch.ok("databases", "seed", *LOGIN)

    assert (before["seed_is_owed"], before["seeded_at"]) == (False, None)
    assert shown(login_branch)["seed_is_owed"] is True


def test_a_reset_forgets_that_a_seed_was_asked_for(login_branch: Installation) -> None:
    login_branch.ok("databases", "seed", *LOGIN)

    login_branch.ok("databases", "reset", *LOGIN, "--yes")

    assert shown(login_branch)["seed_is_owed"] is False


def test_a_seed_is_refused_where_no_run_would_do_it(assigned: Installation) -> None:
    assigned.ok("databases", "create", "acme/shop", "--environment", "production")

    refused = assigned.run("databases", "seed", "acme/shop", "--environment", "production")

    assert refused.returncode == 1
    assert "--seed-production" in refused.stderr
    assigned.ok("apps", "edit", "acme/shop", "--seed-production")
    assigned.ok("databases", "seed", "acme/shop", "--environment", "production")


def test_a_deletion_says_that_a_server_that_does_not_answer_has_it_closed_later(
    connected: Installation, postgres_admin: AdminLogin
) -> None:
    login, server = f"{postgres_admin.user}:{postgres_admin.password}", postgres_admin.address
    with Proxy(server.host, server.port) as cable:
        url = f"postgresql://{login}@127.0.0.1:{cable.port}/postgres"
        connected.ok("instances", "link", "main", "--url", url)
        connected.ok("apps", "assign", "acme/shop", "main")
        connected.ok("databases", "create", "acme/shop")
    dev = ["acme/shop", "--environment", "dev"]

    deleted = connected.run("databases", "delete", *dev, "--yes")

    assert deleted.returncode == 0, deleted.stderr
    assert "closed, and all sessions there are ended, as soon as it does." in deleted.stderr
    assert json.loads(connected.ok("databases", "show", *dev, "--json"))["state"] == "deleted"


def test_a_checkout_says_which_repository_and_branch_are_meant(
    login_branch: Installation, tmp_path: Path
) -> None:
    place = tmp_path / "checkout"
    for words in (
        ["init", "-q", "-b", "feature/login", str(place)],
        ["-C", str(place), "remote", "add", "origin", "https://github.com/acme/shop.git"],
    ):
        subprocess.run(["git", *words], check=True)
    there, nowhere = (
        partial(commands.run, environ=login_branch.environ, folder=folder, timeout_seconds=60)
        for folder in (place, tmp_path)
    )

    branch = there("env", "--branch", ".", "--format", "json")
    dev = there("env", "--format", "json")
    asked = there("psql", "--branch", ".", "-Atqc", "SELECT current_database()")
    lost = nowhere("env")

    assert json.loads(branch.stdout) == json.loads(
        login_branch.ok("env", *LOGIN, "--format", "json")
    )
    assert json.loads(dev.stdout)["COPPICE_ENVIRONMENT"] == "dev"
    assert asked.stdout.strip() == json.loads(branch.stdout)["PGDATABASE"]
    assert (lost.returncode, "Name it, as OWNER/REPO" in lost.stderr) == (1, True)

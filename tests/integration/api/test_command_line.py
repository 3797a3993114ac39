"""Commands against a service elsewhere: the same rules as everywhere, the same words as here."""

import json
import os
import re
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from app.core.environments import Environment
from app.core.runs import MigrationResult
from tests import commands
from tests.integration.api.office import TRACE, Office

BRANCH = "feature/<b>"


class Terminal:
    """Somebody's own machine, logged in with a token, in a checkout of the repository."""

    def __init__(self, office: Office, home: Path) -> None:
        self.office, self.home = office, home
        git = ["git", "-C", str(home)]
        for words in (
            ["init", "-q", "-b", BRANCH],
            ["remote", "add", "origin", "git@github.com:acme/shop.git"],
        ):
            subprocess.run([*git, *words], check=True)

    def run(self, role: str, *words: str) -> subprocess.CompletedProcess[str]:
        folder = self.home / "config" / "coppice"
        folder.mkdir(parents=True, exist_ok=True)
        login = {"url": self.office.url, "token": self.office.people[role], "who": role}
        (folder / "login.json").write_text(json.dumps(login))
        environ = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(self.home),
            "XDG_CONFIG_HOME": str(self.home / "config"),
        }
        return commands.run(*words, environ=environ, folder=self.home, timeout_seconds=120)

    def ok(self, role: str, *words: str) -> str:
        finished = self.run(role, *words)
        assert finished.returncode == 0, f"{words}: {finished.stdout}{finished.stderr}"
        return finished.stdout


@pytest.fixture
def terminal(office: Office, tmp_path: Path) -> Terminal:
    return Terminal(office, tmp_path)


def test_runs_of_the_branch_that_is_checked_out_are_shown(
    terminal: Terminal, office: Office
) -> None:
    app_id = office.new_app()
    run = office.past_run(app_id, log="CREATE TABLE\x1b[2Jt\n", branch_name=BRANCH)
    office.past_run(app_id, branch_name="another")
    app = ("--app-id", app_id)

    listed = json.loads(terminal.ok("read", "runs", "list", *app, "--branch", ".", "--json"))
    newest = json.loads(terminal.ok("read", "runs", "show", *app, "--json"))
    watched = terminal.ok("read", "runs", "watch", *app)
    log = terminal.ok("write", "runs", "logs", *app)
    refused = terminal.run("read", "runs", "logs", *app)
    missing = terminal.run("read", "runs", "show", *app, "--branch", "nowhere")

    assert [(one["run"], one["results"]) for one in listed] == [(run, ["success"])]
    assert (newest["run"], newest["branch"]) == (run, BRANCH)
    assert "success" in watched
    assert "\x1b" not in log
    assert log.startswith("CREATE TABLE")
    assert (refused.returncode, refused.stdout) == (1, "")
    assert "has no run of the branch nowhere" in missing.stderr


def test_a_run_shows_its_worst_statements_to_those_who_may_read_its_log(
    terminal: Terminal, office: Office
) -> None:
    app_id = office.new_app()
    many = replace(TRACE, statements=TRACE.statements * 3)
    run = office.past_run(app_id, trace=many, branch_name=BRANCH)
    show = ("runs", "show", str(run), "--app-id", app_id)

    printed = terminal.ok("write", *show)
    told = json.loads(terminal.ok("write", *show, "--json"))
    reader = terminal.ok("read", *show)
    of_reader = json.loads(terminal.ok("read", *show, "--json"))

    head = "14 statements: 6 blocked reads and writes, 3 writes alone; 3 rewrote a table."
    _, _, after = printed.partition(head)
    title, *lines = after.strip().splitlines()
    headings = ["TOOK", "LOCKS HELD FOR", "BLOCKS", "TABLES", "REWRITTEN", "STATEMENT"]
    assert re.split("  +", title.strip()) == headings
    assert " ".join(lines[0].split()) == (
        "140 ms 150 ms reads and writes public.orders public.orders"
        " ALTER TABLE orders ALTER id TYPE bigint"
    )
    assert len(lines) == 10 + 1
    assert lines[-1].startswith("And 4 more")
    assert head in reader
    assert "ALTER TABLE" not in reader
    assert [len(one["trace"]["statements"]) for one in told["traces"]] == [12]
    assert [(one["rewrites"], one["trace"]) for one in of_reader["traces"]] == [(3, None)]


def test_a_run_that_failed_is_watched_to_a_failure(terminal: Terminal, office: Office) -> None:
    app_id = office.new_app()
    run = office.past_run(app_id, branch_name="x", result=MigrationResult.FAILURE)

    watched = terminal.run("read", "runs", "watch", str(run), "--app-id", app_id)

    assert watched.returncode == 1
    assert "failure" in watched.stdout


def test_who_is_asking_and_where_is_said(terminal: Terminal, office: Office) -> None:
    app_id = office.new_app()

    known = json.loads(terminal.ok("read", "whoami", "--json"))
    page = terminal.ok("read", "open", "--app-id", app_id)

    assert (known["service"], known["login"]) == (office.url, "read-person")
    assert page == f"{office.url}/apps/{app_id}\n"


def test_an_operator_looks_after_servers_from_anywhere(terminal: Terminal, office: Office) -> None:
    app_id = office.new_app()
    office.database(app_id, Environment.BRANCH, "x")

    [listed] = json.loads(terminal.ok("operator", "instances", "list", "--json"))
    table = terminal.ok("operator", "instances", "list")
    terminal.ok("operator", "instances", "limit", "tenants", "--databases", "5000")
    shown = json.loads(terminal.ok("operator", "instances", "show", "tenants", "--json"))
    # A server that is too busy for a try within its time may be asked again.
    tries = (terminal.run("operator", "instances", "test", "tenants") for _ in range(3))
    tested = next((one.stdout for one in tries if one.returncode == 0), "")
    audit = json.loads(terminal.ok("operator", "audit", "instances limit", "--json"))

    assert (listed["name"], listed["kind"]) == ("tenants", "linked")
    assert table.splitlines()[1].startswith("tenants ")
    assert "5000 databases" in shown["limits"]
    assert shown["admin_user"]
    assert tested.startswith("Instance tenants works: PostgreSQL ")
    assert (audit[0]["subject"], audit[0]["actor"]) == ("tenants", "token:test of operator")


@pytest.mark.parametrize(
    "words",
    [
        ["instances", "limit", "tenants", "--databases", "1"],
        ["instances", "test", "tenants"],
        ["instances", "edit", "tenants", "--no-pooler"],
        ["instances", "delete", "tenants", "--yes"],
        ["instances", "delete", "tenants", "--lost", "--yes"],
        ["instances", "acknowledge", "tenants", "superuser"],
        ["instances", "offer", "tenants"],
        ["instances", "link", "other", "--url", "postgresql://a:b@127.0.0.1:1/x"],
        ["instances", "provision", "other"],
        ["audit"],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_nobody_else_does(terminal: Terminal, office: Office, words: list[str]) -> None:
    office.new_app()

    refused = terminal.run("admin", *words)

    assert (refused.returncode, refused.stdout) == (1, "")
    assert "operators" in refused.stderr


def test_an_assignment_is_looked_after_by_who_may(terminal: Terminal, office: Office) -> None:
    app_id = office.new_app()
    app = ("acme/shop", "--app-id", app_id)

    refused = terminal.run("write", "apps", "edit", *app, "--ignore", "tmp/**")
    terminal.ok("maintain", "apps", "edit", *app, "--ignore", "tmp/**", "--bots", "none")
    shown = json.loads(terminal.ok("read", "apps", "show", *app, "--json"))
    new = f"{app_id}y"
    made = terminal.ok("maintain", "apps", "assign", "acme/shop", "tenants", "--app-id", new)
    removed = terminal.ok("maintain", "apps", "remove", "acme/shop", "--app-id", new, "--yes")

    assert refused.returncode == 1
    assert (shown["ignore_patterns"], shown["bots"]) == (["tmp/**"], "none")
    assert f"acme/shop is app {new} on tenants." in made
    assert f"App {new} is not assigned any more." in removed

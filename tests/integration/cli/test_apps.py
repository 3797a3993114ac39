"""Assigning repositories from the command line."""

import json

import psycopg
import pytest

from app.store.connection import state_conninfo
from demo.github.model import Repository
from demo.github.server import LocalGitHub
from tests.integration.serve.installation import Installation, free_port


def apps(coppice: Installation) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads(coppice.ok("apps", "list", "--json"))
    return found


def test_an_assigned_repository_gets_an_app_id(assigned: Installation) -> None:
    (row,) = apps(assigned)

    assert row["repository"] == "acme/shop"
    assert row["migration_command"] == "./migrate"
    assert len(str(row["app"])) == 6


def test_without_an_app_the_way_to_one_is_named(coppice: Installation, server_url: str) -> None:
    coppice.ok("instances", "link", "main", "--url", server_url)

    finished = coppice.run("apps", "assign", "acme/shop", "main")

    assert finished.returncode == 1
    assert "/setup" in finished.stderr


def test_a_repository_without_the_app_is_refused(assigned: Installation) -> None:
    finished = assigned.run("apps", "assign", "acme/other", "main")

    assert finished.returncode == 1
    assert "The GitHub App is not installed for acme/other" in finished.stderr


def test_an_app_is_assigned_once(assigned: Installation) -> None:
    finished = assigned.run("apps", "assign", "acme/shop", "main")

    assert finished.returncode == 1
    assert "is assigned to main already" in finished.stderr


def test_parts_of_a_repository_are_apps_of_their_own(assigned: Installation) -> None:
    assigned.ok("apps", "assign", "acme/shop", "main", "--app-id", "backend")

    assert {row["app"] for row in apps(assigned)} >= {"backend"}
    finished = assigned.run("databases", "create", "acme/shop")
    assert "(--app-id)" in finished.stderr


def test_an_app_id_belongs_to_one_repository(
    assigned: Installation, github: LocalGitHub, shop: Repository
) -> None:
    github.create_repository("acme/other")
    assigned.ok("apps", "assign", "acme/shop", "main", "--app-id", "backend")

    finished = assigned.run("apps", "assign", "acme/other", "main", "--app-id", "backend")

    assert finished.returncode == 1
    assert "The app id backend cannot be used" in finished.stderr


def test_an_edit_leaves_what_is_not_given(assigned: Installation) -> None:
    assigned.ok("apps", "edit", "acme/shop", "--ignore", "tmp/**", "--preview", "off")
    assigned.ok("apps", "edit", "acme/shop", "--no-seed-production")

    (row,) = apps(assigned)
    assert row["migration_command"] == "./migrate"


def test_an_ignored_branch_gets_no_database_after_an_edit(
    assigned: Installation, github: LocalGitHub, shop: Repository
) -> None:
    github.push(shop, "tmp/x")
    assigned.ok("apps", "edit", "acme/shop", "--ignore", "tmp/**")

    finished = assigned.run("databases", "create", "acme/shop", "--branch", "tmp/x")

    assert finished.returncode == 1
    assert 'ignore patterns match the branch "tmp/x"' in finished.stderr


def test_the_databases_of_a_removed_app_stay(assigned: Installation) -> None:
    assigned.ok("databases", "create", "acme/shop", "--environment", "preview")

    assigned.ok("apps", "remove", "acme/shop", "--yes")

    assert apps(assigned) == []
    (row,) = json.loads(assigned.ok("databases", "list", "acme/shop", "--json"))
    assert row["state"] == "ready"
    assigned.ok("databases", "delete", str(row["name"]), "--now", "--yes")
    assert json.loads(assigned.ok("databases", "list", "--json")) == []


def test_the_seed_command_is_kept_changed_and_ended(assigned: Installation) -> None:
    def seed_command() -> object:
        [row] = json.loads(assigned.ok("apps", "list", "--json"))
        return row["seed_command"]

    before = seed_command()
    assigned.ok("apps", "edit", "acme/shop", "--seed-command", "npx prisma db seed")
    given = seed_command()
    assigned.ok("apps", "edit", "acme/shop", "--seed-command", "")

    assert (before, given, seed_command()) == (None, "npx prisma db seed", None)


def test_a_github_that_is_away_is_said_with_what_a_person_can_do(
    connected: Installation, server_url: str
) -> None:
    connected.ok("instances", "link", "main", "--url", server_url)
    connected.settings = {
        **connected.settings,
        "COPPICE_GITHUB_API_URL": f"http://127.0.0.1:{free_port()}",
    }

    finished = connected.run("apps", "assign", "acme/shop", "main")

    said, advice = finished.stderr.splitlines()  # and not a line of a library's log
    assert finished.returncode == 1
    assert said.startswith("GitHub did not answer")
    assert advice.startswith("Repeat the command when GitHub answers.")
    assert "COPPICE_GITHUB_API_URL" in advice


OF_A_REPOSITORY = (
    "databases list",
    "databases show",
    "databases create",
    "env",
    "psql",
    "apps show",
    "apps edit --log public",
    "apps remove --yes",
    "reconcile",
)


def test_an_unknown_repository_is_named_with_where_to_look(
    assigned: Installation, subtests: pytest.Subtests
) -> None:
    for command in OF_A_REPOSITORY:
        with subtests.test(command):
            finished = assigned.run(*command.split(), "acme/typo")

            assert finished.returncode == 1
            assert finished.stdout == ""
            assert "The repository acme/typo is not" in finished.stderr
            assert "apps list" in finished.stderr


def test_an_extension_that_the_server_lacks_is_refused_before_anything_is_stored(
    connected: Installation, server_url: str
) -> None:
    connected.ok("instances", "link", "main", "--url", server_url)

    finished = connected.run(
        "apps", "assign", "acme/shop", "main", "--extension", "pg_trgn", "--extension", "hstore"
    )

    assert finished.returncode == 1
    assert "does not have the extension pg_trgn." in finished.stderr
    assert "Did you mean pg_trgm?" in finished.stderr
    assert apps(connected) == []
    connected.ok("apps", "assign", "acme/shop", "main", "--extension", "pg_trgm")


def test_an_edit_asks_the_server_for_new_extensions_only(
    assigned: Installation, server_url: str
) -> None:
    assigned.ok("apps", "edit", "acme/shop", "--extension", "pg_trgm")
    with_no_server(assigned)

    finished = assigned.run("apps", "edit", "acme/shop", "--extension", "hstore")

    assert finished.returncode == 1
    assert "Whether main has the extensions cannot be checked" in finished.stderr
    assigned.ok("apps", "edit", "acme/shop", "--extension", "pg_trgm", "--log", "public")


def test_extensions_are_asked_for_where_the_server_stands(assigned: Installation) -> None:
    with psycopg.connect(assigned.settings["COPPICE_DATABASE_URL"]) as connection:
        connection.execute("INSERT INTO coppice.hosts VALUES ('other', 'db2', '/data', now())")
        connection.execute("UPDATE coppice.instances SET kind = 'provisioned', host_id = 'other'")

    finished = assigned.run("apps", "edit", "acme/shop", "--extension", "file_fdw")

    assert finished.returncode == 1
    assert "stands on the machine db2" in finished.stderr
    assert json.loads(assigned.ok("apps", "show", "acme/shop", "--json"))["extensions"] == []


def with_no_server(assigned: Installation) -> None:
    """Let the instance's address lead nowhere, as if its server had stopped."""
    with psycopg.connect(assigned.settings["COPPICE_DATABASE_URL"]) as connection:
        connection.execute("UPDATE coppice.instances SET admin_port = %s", [free_port()])


def test_a_machine_that_is_silent_is_named_to_whoever_asks_for_its_databases(
    connected: Installation, state_dsn: str
) -> None:
    connected.ok("instances", "provision", "local")
    connected.ok("apps", "assign", "acme/shop", "local", "--app-id", "shop")
    connected.ok("databases", "create", "acme/shop")
    with psycopg.connect(state_conninfo(state_dsn), autocommit=True) as state:
        state.execute("UPDATE hosts SET seen_at = seen_at - interval '1 hour'")
        state.execute("UPDATE databases SET state = 'creating' WHERE environment = 'dev'")
    (connected.data / "host-id").unlink()  # commands are on another machine from now on

    asked = connected.run("env", "acme/shop", "--app-id", "shop")
    deleted = connected.run("databases", "delete", "shop-dev", "--yes")
    connected.ok("apps", "remove", "acme/shop", "--yes")
    assigned = connected.run("apps", "assign", "acme/shop", "local", "--app-id", "second")

    assert asked.returncode == 1
    assert f"{connected.data}, which gave its last sign of life at" in asked.stderr
    assert "closed, and all sessions there are ended, as soon as it does." in deleted.stderr
    assert assigned.returncode == 0
    assert "Note: local is not to be reached now. Unreachable since " in assigned.stderr
    assert "first app, shop, is not assigned any more" in assigned.stderr
    assert "names none means the first" not in assigned.stderr

"""The database for local work and its shadow, which share one life."""

import json
from typing import Any

import psycopg
import pytest

from tests.integration.serve.installation import Installation

DEV = ["acme/shop", "--environment", "dev"]
# What Prisma does to a shadow database before it replays the migrations there.
RESET = 'DROP SCHEMA "public" CASCADE; CREATE SCHEMA "public"'


@pytest.fixture
def local(assigned: Installation) -> Installation:
    """With a database for local work."""
    assigned.ok("env", *DEV)
    return assigned


def variables(coppice: Installation) -> dict[str, str]:
    found: dict[str, str] = json.loads(coppice.ok("env", *DEV, "--format", "json"))
    return found


def listed(coppice: Installation) -> dict[str, Any]:
    """State by environment, of everything that is not gone."""
    rows = json.loads(coppice.ok("databases", "list", "acme/shop", "--json"))
    return {row["environment"]: row["state"] for row in rows}


def ask(url: str, statement: str) -> Any:
    with psycopg.connect(url, autocommit=True) as session:
        cursor = session.execute(statement.encode())
        return cursor.fetchall() if cursor.description else None


def is_open(url: str) -> bool:
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_the_shadow_is_made_with_dev_and_is_another_database(local: Installation) -> None:
    found = variables(local)

    name = f"{found['PGDATABASE']}-shadow"
    assert ask(found["SHADOW_DATABASE_URL"], "SELECT current_database()") == [(name,)]
    assert listed(local) == {"dev": "ready", "dev-shadow": "ready"}


def test_no_other_database_has_a_shadow(local: Installation) -> None:
    local.ok("databases", "create", "acme/shop", "--environment", "preview")

    assert "SHADOW_DATABASE_URL" not in local.ok("env", "acme/shop", "--environment", "preview")


def test_prisma_may_reset_the_shadow(local: Installation) -> None:
    url = variables(local)["SHADOW_DATABASE_URL"]
    for _ in range(2):
        ask(url, RESET)
        ask(url, "CREATE TABLE replayed (id int)")

    assert ask(url, "SELECT count(*) FROM replayed") == [(0,)]


def test_each_of_the_two_logins_opens_its_own_database_only(local: Installation) -> None:
    found = variables(local)
    shadow = found["SHADOW_DATABASE_URL"]

    crossed = shadow.replace("-dev-shadow?", "-dev?")

    assert crossed != shadow
    assert not is_open(crossed)
    assert not is_open(found["DATABASE_URL"].replace("-dev?", "-dev-shadow?"))


def test_a_fix_sets_both_up_once_more(local: Installation) -> None:
    found = variables(local)
    for url in (found["DATABASE_URL"], found["SHADOW_DATABASE_URL"]):
        ask(url, "ALTER ROLE CURRENT_USER PASSWORD 'somethingelse'")

    local.ok("databases", "fix", *DEV)

    assert is_open(found["DATABASE_URL"])
    assert is_open(found["SHADOW_DATABASE_URL"])


def test_a_reset_empties_both_and_keeps_their_logins(local: Installation) -> None:
    found = variables(local)
    for url in (found["DATABASE_URL"], found["SHADOW_DATABASE_URL"]):
        ask(url, "CREATE TABLE t ()")

    local.ok("databases", "reset", *DEV, "--yes")

    for url in (found["DATABASE_URL"], found["SHADOW_DATABASE_URL"]):
        assert ask(url, "SELECT to_regclass('t') IS NULL") == [(True,)]
    assert variables(local) == found


def test_both_are_deleted_and_restored_together(local: Installation) -> None:
    found = variables(local)

    local.ok("databases", "delete", *DEV, "--yes")

    assert listed(local) == {"dev": "deleted", "dev-shadow": "deleted"}
    assert not is_open(found["SHADOW_DATABASE_URL"])
    local.ok("databases", "restore", *DEV)
    assert listed(local) == {"dev": "ready", "dev-shadow": "ready"}
    assert is_open(found["SHADOW_DATABASE_URL"])


def test_both_are_dropped_together(local: Installation) -> None:
    local.ok("databases", "delete", *DEV, "--now", "--yes")

    assert listed(local) == {}


def test_a_shadow_that_was_dropped_alone_comes_back_when_it_is_asked_for(
    local: Installation,
) -> None:
    name = f"{variables(local)['PGDATABASE']}-shadow"
    local.ok("databases", "delete", name, "--now", "--yes")
    gone = listed(local)

    url = variables(local)["SHADOW_DATABASE_URL"]

    assert gone == {"dev": "ready"}
    assert is_open(url)


def test_a_shadow_that_was_deleted_alone_is_restored_when_it_is_asked_for(
    local: Installation,
) -> None:
    name = f"{variables(local)['PGDATABASE']}-shadow"
    local.ok("databases", "delete", name, "--yes")

    assert is_open(variables(local)["SHADOW_DATABASE_URL"])


def test_a_fix_creates_an_extension_again_that_went_with_the_schema(local: Installation) -> None:
    local.ok("apps", "edit", "acme/shop", "--extension", "citext")
    local.ok("databases", "fix", *DEV)
    found = variables(local)
    urls = (found["DATABASE_URL"], found["SHADOW_DATABASE_URL"])
    has_citext = "SELECT count(*) FROM pg_extension WHERE extname = 'citext'"
    before = [ask(url, has_citext) for url in urls]
    for url in urls:
        ask(url, RESET)

    after = [ask(url, has_citext) for url in urls]
    local.ok("databases", "fix", *DEV)

    assert (before, after) == ([[(1,)], [(1,)]], [[(0,)], [(0,)]])
    assert [ask(url, has_citext) for url in urls] == [[(1,)], [(1,)]]


def test_a_shadow_that_cannot_be_made_keeps_nobody_from_dev(assigned: Installation) -> None:
    assigned.ok("instances", "limit", "main", "--databases", "1")

    finished = assigned.run("env", *DEV)

    assert finished.returncode == 0, finished.stderr
    assert "\nDATABASE_URL=" in finished.stdout
    assert "SHADOW_DATABASE_URL" not in finished.stdout
    assert "There is no SHADOW_DATABASE_URL:" in finished.stderr
    assert "limit" in finished.stderr.lower()


def test_it_is_said_how_a_new_dev_is_migrated_and_seeded(assigned: Installation) -> None:
    first, second = assigned.run("env", *DEV), assigned.run("env", *DEV)

    assert "coppice migrate acme/shop" in first.stderr
    assert "coppice migrate" not in second.stderr

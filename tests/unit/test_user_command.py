"""What a user's command inherits, on runners and on people's machines."""

from pathlib import Path

import pytest

from app.core import user_command
from app.core.user_command import DATABASE_NAMES, Names, inherited, is_postgresql_url

ROOT = Path(__file__).resolve().parents[2]
OTHER = "postgres://app:secret@elsewhere:5432/other"


def is_removed(name: str) -> bool:
    return name.startswith(("PG", "COPPICE_"))


def test_the_action_and_the_service_hold_the_same() -> None:
    texts = {(ROOT / room / "user_command.py").read_text() for room in ("action", "app/core")}

    assert len(texts) == 1


@pytest.mark.parametrize(
    "value",
    [
        "postgres://h/d",
        "postgresql://u:p@h/d",
        "POSTGRESQL://h/d",
        " Postgres://h",
        '"postgres://u:p@h/d"',
        "jdbc:postgresql://h/d",
        "JDBC:PostgreSQL:d",
        "r2dbc:pool:postgresql://h/d",
        "prisma+postgres://accelerate.prisma-data.net/?api_key=x",
        "prisma://accelerate.prisma-data.net/?api_key=x",
        "postgresql+asyncpg://h/d",
        "postgres+psycopg2://h/d",
        "postgis://h/d",
        "db:pg://h/d",
        "postgresql:///d?host=/run",
        "ecto://u:p@h/d",
        "jdbc:pgsql://h/d",
        "jdbc:tracing:p6spy:postgresql://h/d",
        "cockroachdb://h/d",
        "\ufeffpostgres://h/d",
        "postgres:u@h/d",
    ],
)
def test_a_url_of_postgresql_is_known_however_it_is_written(value: str) -> None:
    assert is_postgresql_url(value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "postgres",
        "postgres:16-alpine",
        "postgres:16@sha256:6e40cd1b4d3d",
        "mysql://h/d",
        "https://h/?db=postgres://h",
        "postgresql",
    ],
)
def test_what_only_looks_like_one_is_left_alone(value: str) -> None:
    assert not is_postgresql_url(value)
    assert inherited({"X": value}, Names(), is_removed=is_removed).kept == {"X": value}


@pytest.mark.parametrize("name", DATABASE_NAMES)
@pytest.mark.parametrize("value", [OTHER, "", "prisma://x"])
def test_a_name_for_this_database_is_set_where_it_is_inherited(name: str, value: str) -> None:
    found = inherited({name: value, "PATH": "/bin"}, Names(), is_removed=is_removed)

    assert (found.kept, found.set, found.taken) == ({"PATH": "/bin"}, (name,), ())


def test_no_name_is_set_that_is_not_inherited() -> None:
    assert inherited({}, Names(), is_removed=is_removed).set == ()


def test_the_users_own_names_are_set_always() -> None:
    names = Names(database=("SHOP_URL",))

    assert inherited({}, names, is_removed=is_removed).set == ("SHOP_URL",)
    assert inherited({"SHOP_URL": OTHER}, names, is_removed=is_removed).taken == ()


def test_other_urls_are_taken_away_by_name_unless_they_are_kept() -> None:
    variables = {"REPORTING": OTHER, "WAREHOUSE": OTHER, "PGURL": OTHER, "DATABASE_URL": OTHER}
    variables["COPPICE_DATABASE_URL"] = OTHER

    found = inherited(variables, Names(keep=("WAREHOUSE",)), is_removed=is_removed)

    assert (found.kept, found.taken) == ({"WAREHOUSE": OTHER}, ("PGURL", "REPORTING"))
    assert "secret" not in repr(found)


def test_a_known_name_may_be_kept_as_it_is() -> None:
    found = inherited({"DIRECT_URL": OTHER}, Names(keep=("DIRECT_URL",)), is_removed=is_removed)

    assert (found.kept, found.set) == ({"DIRECT_URL": OTHER}, ())


def test_nothing_that_is_removed_for_good_comes_back_by_being_kept() -> None:
    found = inherited({"PGHOST": "h"}, Names(keep=("PGHOST",)), is_removed=is_removed)

    assert found.kept == {}
    assert user_command.complaint(["PGHOST"])


@pytest.mark.parametrize("name", ["UID", "SHELLOPTS", "IFS", "_", "PS4", "NODE_OPTIONS", "LC_ALL"])
def test_what_the_shell_and_tools_live_by_holds_no_url(name: str) -> None:
    assert user_command.complaint([name])


def test_a_command_from_a_form_has_the_line_ends_of_a_script() -> None:
    assert user_command.script("one\r\ntwo") == "one\ntwo\n"

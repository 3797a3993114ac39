"""SQL is composed, never glued: names and values cannot leave their place."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from psycopg.sql import Composed

from app.core.databases import Template, TenantDatabase
from app.core.identifiers import DatabaseName, RoleName
from app.postgres import extensions, statements

HOSTILE = 'x"; DROP ROLE admin; --'
QUOTED = '"x""; DROP ROLE admin; --"'
DATABASE = TenantDatabase(
    name=DatabaseName(HOSTILE),
    owner_role=RoleName("3ba03b-o"),
    login_role=RoleName("3ba03b-u"),
    data_role=RoleName("3ba03b-d"),
    marker="it's a marker",
)
TEMPLATE = Template(
    name=DatabaseName(HOSTILE), owner_role=RoleName("3ba03b-o"), login_role=RoleName("3ba03b-u")
)


@pytest.mark.parametrize(
    "statement",
    [
        statements.create_role(RoleName(HOSTILE)),
        statements.act_for(RoleName(HOSTILE)),
        statements.become(RoleName(HOSTILE)),
        statements.drop_role(RoleName(HOSTILE)),
        statements.drop_role_if_unused(RoleName(HOSTILE)),
        statements.forbid_login(RoleName(HOSTILE)),
        statements.create_database(DATABASE),
        statements.create_database(replace(DATABASE, name=DatabaseName("y"), template=TEMPLATE)),
        statements.revoke_from_public(DATABASE),
        statements.allow_connections(DATABASE.name),
        *statements.shut(DATABASE),
        statements.mark(DATABASE),
        statements.drop_database(DATABASE.name),
        statements.rename_database(DATABASE.name, new_name=DatabaseName("y")),
        statements.give_schema(HOSTILE, to=RoleName("3ba03b-u")),
        statements.create_schema(HOSTILE),
        extensions.creation(HOSTILE, schema="public"),
        extensions.creation("x", schema=HOSTILE),
        statements.set_role(RoleName(HOSTILE)),
    ],
)
def test_a_hostile_name_stays_a_name(statement: Composed) -> None:
    assert QUOTED in statement.as_string()


def test_a_database_is_made_closed_to_connections() -> None:
    text = statements.create_database(DATABASE).as_string()

    assert "ALLOW_CONNECTIONS false" in text
    assert "TEMPLATE template0" in text


def test_public_is_revoked_before_the_schema_changes_hands() -> None:
    revoke, give = statements.give_public(to=RoleName("3ba03b-u")).as_string().split(";\n")

    assert revoke == "REVOKE ALL ON SCHEMA public FROM PUBLIC"
    assert give == 'ALTER SCHEMA "public" OWNER TO "3ba03b-u"'


def test_a_marker_is_a_literal() -> None:
    assert statements.mark(DATABASE).as_string().endswith("IS 'it''s a marker'")


def test_a_jobs_end_names_its_time_zone() -> None:
    statement = statements.create_job_login(
        RoleName("3ba03b-j"),
        member_of=RoleName("3ba03b-u"),
        valid_until=datetime(2026, 1, 2, 3, 4, tzinfo=UTC),
    )

    assert "VALID UNTIL '2026-01-02T03:04:00+00:00'" in statement.as_string()

"""The variables that a job gets, and when its login ends."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from urllib.parse import unquote, urlsplit

import pytest

from app.core.environments import Environment
from app.core.identifiers import DatabaseName, RoleName
from app.core.instances import Address, AdminLogin, SslMode
from app.operations.runs.credentials import (
    MARGIN,
    Credentials,
    outlives_run,
    valid_until,
    variables,
)
from tests.unit.databases import ADDRESS, instance
from tests.unit.test_reports import DATABASE, RUN

INSTANCE = instance(admin=AdminLogin(address=ADDRESS, user="admin", password="secret"))
CREDENTIALS = Credentials(
    database=DATABASE,
    instance=INSTANCE,
    user=RoleName("3ba03b-j-1"),
    password="p" * 40,
    is_pooled=False,
    outlives_run=False,
)
NOW = datetime(2026, 11, 23, tzinfo=UTC)


def test_every_variable_of_the_contract_is_there() -> None:
    assert variables(CREDENTIALS) == {
        "PGHOST": "db.example.com",
        "PGPORT": "5432",
        "PGDATABASE": "3ba03b--feature-login--abc",
        "PGUSER": "3ba03b-j-1",
        "PGPASSWORD": "p" * 40,
        "PGSSLMODE": "verify-full",
        "DATABASE_URL": f"postgresql://3ba03b-j-1:{'p' * 40}@db.example.com:5432"
        "/3ba03b--feature-login--abc?sslmode=verify-full",
        "COPPICE_ENVIRONMENT": "branch",
        "COPPICE_DATABASE": "3ba03b--feature-login--abc",
        "COPPICE_ROLE": "3ba03b-u-1",
    }


@pytest.mark.parametrize("name", ["a/b", "50%", "a?b=c", "a#b", "ü", "a b", "a@b:c"])
def test_a_url_gives_the_databases_name_back(name: str) -> None:
    named = replace(CREDENTIALS, database=replace(DATABASE, name=DatabaseName(name)))

    url = urlsplit(variables(named)["DATABASE_URL"])

    assert unquote(url.path.removeprefix("/")) == name
    assert (url.hostname, url.port) == ("db.example.com", 5432)


def test_an_ipv6_address_stands_in_brackets_in_urls_only() -> None:
    here = replace(INSTANCE, public_address=replace(ADDRESS, host="2001:db8::1"))

    found = variables(replace(CREDENTIALS, instance=here))

    assert found["PGHOST"] == "2001:db8::1"
    assert "@[2001:db8::1]:5432/" in found["DATABASE_URL"]


def test_a_pooler_is_another_address_of_the_same_login() -> None:
    pooler = Address(host="pool.example.com", port=6432, sslmode=SslMode.REQUIRE)
    pooled = replace(CREDENTIALS, instance=replace(INSTANCE, pooler_address=pooler), is_pooled=True)

    found = variables(pooled)

    assert found["DATABASE_URL_POOLED"] == (
        f"postgresql://3ba03b-j-1:{'p' * 40}@pool.example.com:6432"
        "/3ba03b--feature-login--abc?sslmode=require"
    )
    assert "DATABASE_URL_POOLED" not in variables(replace(pooled, is_pooled=False))


def test_a_password_shows_in_no_representation() -> None:
    assert "ppp" not in repr(CREDENTIALS)


def test_only_the_exported_primary_outlives_its_run() -> None:
    exporting = replace(RUN, export_env=True)
    preview = replace(DATABASE, environment=Environment.PREVIEW)

    assert not outlives_run(RUN, DATABASE)
    assert outlives_run(exporting, DATABASE)
    assert not outlives_run(exporting, preview)
    assert outlives_run(replace(RUN, migrates=False), preview)


def test_a_login_for_a_migration_lasts_as_long_as_that_may() -> None:
    assert valid_until(RUN, DATABASE, now=NOW) == NOW + timedelta(minutes=30) + MARGIN


def test_an_exported_login_lasts_its_own_minutes() -> None:
    exporting = replace(RUN, export_env=True, credentials_minutes=10)

    assert valid_until(exporting, DATABASE, now=NOW) == NOW + timedelta(minutes=10)

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from action.credentials import (
    OPTIONAL,
    REQUIRED,
    ROLE,
    Address,
    Credentials,
    InvalidReply,
    credentials_in,
)
from tests.unit.action.examples import HOST, PASSWORD, go_reply, url, variables

POOLED = url(host="pool.example.com", port=6432, options="sslmode=require&pgbouncer=true")


def read(**changes: Any) -> Credentials:
    body = go_reply(variables=variables(**changes))
    return credentials_in(body, environment="branch", database="3ba03b--x")


def test_good_credentials_are_taken_as_they_are() -> None:
    found = read(DATABASE_URL_POOLED=POOLED)

    assert found.variables == variables(DATABASE_URL_POOLED=POOLED)
    assert found.direct == Address(host=HOST, port=5432, sslmode="require")
    assert found.pooled == Address(host="pool.example.com", port=6432, sslmode="require")
    assert found.secrets == (PASSWORD, url(), POOLED)


def test_secrets_do_not_show_in_the_representation() -> None:
    assert PASSWORD not in repr(read())


@pytest.mark.parametrize("host", ["10.0.0.7", "localhost", "DB.Example.com", "2001:db8::1"])
def test_addresses_of_every_kind_are_accepted(host: str) -> None:
    bracketed = f"[{host}]" if ":" in host else host

    found = read(PGHOST=host, DATABASE_URL=url(host=bracketed))

    assert found.direct.host == host


@pytest.mark.parametrize("name", REQUIRED)
def test_a_missing_variable_is_refused(name: str) -> None:
    values = variables()
    del values[name]

    with pytest.raises(InvalidReply, match=name):
        credentials_in(go_reply(variables=values), environment="branch", database="3ba03b--x")


@pytest.mark.parametrize("name", [*REQUIRED, *OPTIONAL])
@given(
    bad=st.sampled_from("\n\r\0 \x1b\u2028é\t"),
    at=st.integers(0, 20),
)
def test_no_value_with_a_line_end_blank_or_control_character_passes(
    name: str, bad: str, at: int
) -> None:
    good = str(variables().get(name, POOLED))

    with pytest.raises(InvalidReply):
        read(**{name: good[:at] + bad + good[at:]})


@given(st.sampled_from([*REQUIRED, *OPTIONAL]), st.text(max_size=60))
def test_whatever_passes_is_safe_for_the_jobs_environment(name: str, value: str) -> None:
    try:
        found = read(**{name: value})
    except InvalidReply:
        return

    assert all("!" <= c <= "~" for text in found.variables.values() for c in text)
    assert found.variables["PGDATABASE"] == "3ba03b--x"


@pytest.mark.parametrize(
    "changes",
    [
        {"PGHOST": "other.example.com"},
        {"PGPORT": "5433"},
        {"PGUSER": "postgres"},
        {"PGPASSWORD": "x" * 40},
        {"PGSSLMODE": "disable"},
        {"PGDATABASE": "3ba03b-production"},
        {"COPPICE_DATABASE": "3ba03b-production"},
        {"COPPICE_ENVIRONMENT": "production"},
        {"DATABASE_URL": url(host="evil.example")},
        {"DATABASE_URL": url(options="sslmode=disable")},
        {"DATABASE_URL": url(options="host=evil.example&sslmode=require")},
        {"DATABASE_URL": url(options="sslmode=require&service=evil")},
        {"DATABASE_URL": url(options="sslmode=require&options=-csearch_path%3Devil")},
        {"DATABASE_URL": url().replace("postgresql:", "http:")},
        {"DATABASE_URL": url() + "#x"},
        {"DATABASE_URL": url().replace("@", "@evil.example,")},
        {"DATABASE_URL_POOLED": POOLED.replace(PASSWORD, "y" * 40)},
        {"DATABASE_URL_POOLED": POOLED.replace("3ba03b--x", "3ba03b-production")},
        {"DATABASE_URL_POOLED": "postgresql://[::1"},
        {"PGSSLMODE": "none"},
        {"COPPICE_ROLE": "a;b"},
        {"PRISMA_ACCELERATE_URL": "https://evil.example/"},
    ],
)
def test_values_that_contradict_each_other_are_refused(changes: dict[str, str]) -> None:
    with pytest.raises(InvalidReply):
        read(**changes)


def test_an_accelerate_url_is_a_secret_as_a_whole() -> None:
    accelerate = "prisma://accelerate.prisma-data.net/?api_key=abc"

    assert accelerate in read(PRISMA_ACCELERATE_URL=accelerate).secrets


def test_a_service_that_is_older_names_no_role() -> None:
    sent = {name: value for name, value in variables().items() if name != ROLE}

    found = credentials_in(go_reply(variables=sent), environment="branch", database="3ba03b--x")

    assert ROLE not in found.variables


def test_unknown_variables_are_counted_and_left_out() -> None:
    found = read(LD_PRELOAD="/evil.so")

    assert found.ignored == 1
    assert "LD_PRELOAD" not in found.variables


@pytest.mark.parametrize("marker", [None, "", "short", "g" * 32, 7, "0" * 32 + "\n"])
def test_a_malformed_mark_is_refused(marker: object) -> None:
    with pytest.raises(InvalidReply, match="marker"):
        credentials_in(go_reply(marker=marker), environment="branch", database="3ba03b--x")


@pytest.mark.parametrize(
    "pem",
    [
        "",
        "text",
        7,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----\n",
    ],
)
def test_a_certificate_that_is_none_is_refused(pem: object) -> None:
    with pytest.raises(InvalidReply, match="certificate"):
        credentials_in(go_reply(ca_certificate=pem), environment="branch", database="3ba03b--x")

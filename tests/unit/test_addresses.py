"""Addresses of servers as people write them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.addresses import check_host, check_instance_name, is_loopback, parse_server_url
from app.core.errors import Invalid
from app.core.instances import SslMode


def test_a_url_is_taken_apart() -> None:
    login, sslmode = parse_server_url(
        "postgresql://ad%40min:s%2Fcret@db.internal:6432/maintenance?sslmode=verify-full"
    )

    assert (login.user, login.password) == ("ad@min", "s/cret")
    assert (login.address.host, login.address.port) == ("db.internal", 6432)
    assert login.maintenance_database == "maintenance"
    assert sslmode is SslMode.VERIFY_FULL


def test_port_database_and_sslmode_may_be_left_out() -> None:
    login, sslmode = parse_server_url("postgres://admin:secret@10.0.0.1")

    assert login.address.port == 5432
    assert login.maintenance_database == "postgres"
    assert sslmode is None


@pytest.mark.parametrize(
    "url",
    [
        "mysql://a:b@host",
        "postgresql://admin@host",
        "postgresql://:b@host",
        "postgresql://a:b@",
        "postgresql://a:b@host:port/x",
        "postgresql://a:b@ho$t/x",
        "postgresql://a:b@host/x?sslmode=maybe",
        "postgresql://a:b@host/x?sslcert=/etc/x",
        "postgresql://a:b@[::1/x",
        "postgresql://a%00:b@host/x",
        "postgresql://a:b%00@host/x",
        "postgresql://a:b@host/x%00",
        "",
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(Invalid):
        parse_server_url(url)


@pytest.mark.parametrize("password", ["p@ss", "ss/w", "p#rd", "p?x=1", "p[1]", "p@ss/w#rd", "1/2"])
@pytest.mark.parametrize("end", ["host:5432/postgres", "host", "host/x?sslmode=require"])
def test_a_password_that_is_not_encoded_is_refused_with_what_to_write(
    password: str, end: str
) -> None:
    with pytest.raises(Invalid, match="special character") as caught:
        parse_server_url(f"postgresql://admin:{password}@{end}")

    assert "%40 for @" in caught.value.advice
    assert password not in f"{caught.value}{caught.value.advice}"


@pytest.mark.parametrize("port", ["99999", "0", "no", "-1"])
def test_a_port_that_is_none_is_named(port: str) -> None:
    with pytest.raises(Invalid, match="port") as caught:
        parse_server_url(f"postgresql://admin:secret@host:{port}/x")

    assert "1 to 65535" in caught.value.advice


@given(st.text(min_size=1))
def test_no_message_repeats_the_url(text: str) -> None:
    said = ""

    try:
        parse_server_url(f"postgresql://hush:hush@{text}:hush")
    except Invalid as error:
        said = f"{error}{error.advice}"

    assert "hush" not in said


@pytest.mark.parametrize("name", ["main", "a", "eu-west-1", "x" * 40])
def test_a_name_may_be(name: str) -> None:
    check_instance_name(name)


@pytest.mark.parametrize("name", ["", "Main", "-a", "a-", "a/b", "..", "a b", "x" * 41, "é", "a\n"])
def test_a_name_must_not_be(name: str) -> None:
    with pytest.raises(Invalid):
        check_instance_name(name)


@pytest.mark.parametrize("host", ["db.example.com", "10.0.0.1", "::1", "fe80::1", "a_b"])
def test_a_host_may_be(host: str) -> None:
    assert check_host(host) == host


@pytest.mark.parametrize("host", ["", "a b", "a;b", "-x", "a/b", "x\n", "host:5432x"])
def test_a_host_must_not_be(host: str) -> None:
    with pytest.raises(Invalid):
        check_host(host)


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1", True),
        ("127.0.0.2", True),
        ("localhost", True),
        ("::1", True),
        ("db", False),
        ("127.0.0.1.evil.example", False),
        ("127.evil.example", False),
        ("10.0.0.1", False),
        ("", False),
    ],
)
def test_loopback_is_told_from_other_hosts(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected

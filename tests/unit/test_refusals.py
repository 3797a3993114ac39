"""What libpq says of its own, as it was heard, and servers' codes, in our words."""

import pytest

from app.core.errors import ServerUnreachable
from app.postgres.failures import LoginRefused, NoTls, OutOfConnections
from app.postgres.refusals import is_password_taken, of_libpq, of_server
from pgwire import client

_AT = 'connection failed: connection to server at "10.0.0.7", port 5432 failed: '
_BOTH = (
    f"{_AT}Connection refused\n\tIs the server running on that host?\n"
    "Multiple connection attempts failed. All failures were:\n"
    "- host: 'db', port: '5432', hostaddr: '10.0.0.7': connection failed: connection to server at"
    ' "10.0.0.7", port 5432 failed: {first}\n'
    "- host: 'db', port: '5432', hostaddr: '10.0.0.8': connection failed: connection to server at"
    ' "10.0.0.8", port 5432 failed: {second}'
)


@pytest.mark.parametrize(
    ("text", "kind", "words"),
    [
        (
            'server certificate for "localhost" (and 1 other name) does not match host name'
            ' "10.0.0.7"',
            LoginRefused,
            "for another name",
        ),
        ("SSL error: certificate verify failed", LoginRefused, "no CA that is trusted here"),
        (
            'root certificate file "/root/.postgresql/root.crt" does not exist\nEither provide the'
            " file, use the system's trusted roots with sslrootcert=system, or change sslmode",
            LoginRefused,
            "no CA certificate to check it by",
        ),
        (
            'could not read root certificate file "/x": no certificate or crl found',
            LoginRefused,
            "no CA certificate to check it by",
        ),
        ("SSL error: wrong version number", LoginRefused, "could not be made as demanded"),
        ("server does not support SSL, but SSL was required", NoTls, "no encrypted connections"),
        ("Connection refused\n\tIs the server running", ServerUnreachable, "nothing listens"),
        ("timeout expired", ServerUnreachable, "does not answer"),
    ],
)
def test_each_cause_has_its_words_and_no_address(text: str, kind: type, words: str) -> None:
    error = of_libpq(_AT + text)

    assert error is not None
    assert type(error) is kind
    assert words in str(error)
    assert "10.0.0.7" not in str(error) + error.advice


@pytest.mark.parametrize(
    "text",
    [
        _AT + 'FATAL:  certificate authentication failed for user "x"',
        _AT + "SCHWERWIEGEND:  Datenbank »timeout expired« existiert nicht",
        _AT + "ÖLÜMCÜL (FATAL):  Connection refused",
        _AT + "server closed the connection unexpectedly",
        _BOTH.format(first="Connection refused", second="FATAL:  zu viele Verbindungen"),
    ],
)
def test_what_a_server_says_is_not_taken_for_libpqs_words(text: str) -> None:
    assert of_libpq(text) is None


def test_two_addresses_where_nothing_listens_are_a_server_that_is_away() -> None:
    error = of_libpq(_BOTH.format(first="Connection refused", second="Connection refused"))

    assert type(error) is ServerUnreachable


@pytest.mark.parametrize(
    ("code", "is_authenticated", "kind", "words"),
    [
        ("28P01", False, LoginRefused, "refuses this user or its password"),
        ("28000", False, LoginRefused, "from here"),
        ("28000", True, LoginRefused, "refuses this user"),
        ("3D000", True, LoginRefused, "no database of this name"),
        ("42501", True, LoginRefused, "does not let this login connect"),
        ("55000", True, LoginRefused, "takes no connections"),
        ("53300", True, OutOfConnections, "its own limit (CONNECTION LIMIT)"),
        ("53300", False, OutOfConnections, "out of connections."),
        ("57P03", False, ServerUnreachable, "starting or stopping"),
        ("08P01", False, LoginRefused, "pooler"),
        ("XX000", True, ServerUnreachable, "SQLSTATE XX000"),
    ],
)
def test_a_code_decides_in_any_language(
    code: str, kind: type, words: str, *, is_authenticated: bool
) -> None:
    refusal = client.LoginRefused(
        "Das geht nicht", sqlstate=code, is_authenticated=is_authenticated
    )

    error = of_server(refusal, user="x")

    assert type(error) is kind
    assert words in str(error)
    assert error.__cause__ is refusal
    assert is_password_taken(error) == is_authenticated

"""What servers and libpq say when there is no connection, as it was heard, in our words."""

import psycopg
import pytest

from app.core.errors import ServerUnreachable
from app.postgres.failures import LoginRefused, NoTls, refused

_AT = 'connection failed: connection to server at "10.0.0.7", port 5432 failed: '


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
        (
            'FATAL:  password authentication failed for user "admin"',
            LoginRefused,
            "refuses this user or its password",
        ),
        ('FATAL:  database "nowhere" does not exist', LoginRefused, "no database of this name"),
        (
            'FATAL:  database "x" is not currently accepting connections',
            LoginRefused,
            "does not let this login connect to this database",
        ),
        ('FATAL:  role "nobody" does not exist', LoginRefused, "does not know this user"),
        ("Connection refused\n\tIs the server running", ServerUnreachable, "nothing listens"),
        ("timeout expired", ServerUnreachable, "does not answer"),
        ("server closed the connection", ServerUnreachable, "does not accept connections"),
    ],
)
def test_each_cause_has_its_words_and_no_address(text: str, kind: type, words: str) -> None:
    error = refused(psycopg.OperationalError(_AT + text))

    assert type(error) is kind
    assert words in str(error)
    assert "10.0.0.7" not in str(error) + error.advice

"""Why there is no session, in words that a person can act on.

libpq hands on what a server said and not its SQLSTATE, and servers speak many languages. So where
the server itself refused, a small client of our own asks it once more: for the code, and whether
the password had been taken before. What libpq says of its own is English in psycopg's packages,
which are built without translations.
"""

import re

import psycopg
from psycopg.sql import Identifier

from app.core.errors import CoppiceError, ServerUnreachable
from app.postgres.failures import LoginRefused, NoTls, OutOfConnections
from pgwire import client
from pgwire.line import TlsFailed

_Words = tuple[type[CoppiceError], str, str | None]

# https://www.postgresql.org/docs/current/errcodes-appendix.html
_BAD_PASSWORD = "28P01"  # noqa: S105
_NO_AUTHORIZATION = "28000"
_FULL = "53300"

_NO_RULE: _Words = (
    LoginRefused,
    "PostgreSQL does not let this login connect to this database from here.",
    "Check pg_hba.conf.",
)
_CODES: dict[str, _Words] = {
    _BAD_PASSWORD: (
        LoginRefused,
        "PostgreSQL refuses this user or its password.",
        "Check user and password, and that the role may log in.",
    ),
    "3D000": (
        LoginRefused,
        "The PostgreSQL server has no database of this name.",
        "Check the database in the connection string; `postgres` is on every server.",
    ),
    "42501": (
        LoginRefused,
        "PostgreSQL does not let this login connect to this database.",
        "Check the CONNECT privilege on the database.",
    ),
    "55000": (
        LoginRefused,
        "The database takes no connections at the moment.",
        "Check that it is one that anybody may connect to (ALLOW_CONNECTIONS).",
    ),
    _FULL: (OutOfConnections, "PostgreSQL is out of connections.", None),
    "57P03": (
        ServerUnreachable,
        "The PostgreSQL server is just starting or stopping.",
        "Nothing to do but to wait until it is up.",
    ),
    # What a pooler makes of settings that it does not know.
    "08P01": (
        LoginRefused,
        "A pooler answers at this address; the service needs sessions of its own.",
        "Link the server's own address, and give the pooler's as the instance's pooler.",
    ),
}

_LIBPQ: tuple[tuple[tuple[str, ...], _Words], ...] = (
    (
        ("root certificate file",),
        (
            LoginRefused,
            "The server's certificate is to be checked, and there is no CA certificate to check it"
            " by.",
            "Give the server's CA certificate; a public CA needs none with sslrootcert=system.",
        ),
    ),
    (
        ("does not match host name",),
        (
            LoginRefused,
            "The server's certificate is for another name than this host.",
            "Use the host name that the certificate has, or sslmode=verify-ca to check the CA"
            " alone.",
        ),
    ),
    (
        ("certificate verify failed",),
        (
            LoginRefused,
            "The server's certificate is from no CA that is trusted here, or its time is over.",
            "Give the certificate of the CA that signed the server's.",
        ),
    ),
    (
        ("server does not support SSL",),
        (
            NoTls,
            "The PostgreSQL server has no encrypted connections.",
            "Turn on ssl in postgresql.conf; on a private network sslmode=disable does without.",
        ),
    ),
    (
        ("certificate", "SSL error"),
        (
            LoginRefused,
            "The encrypted connection to PostgreSQL could not be made as demanded.",
            "Check sslmode and the CA certificate.",
        ),
    ),
    (
        ("could not translate host name", "failed to resolve host"),
        (
            ServerUnreachable,
            "The host name of the PostgreSQL server is unknown.",
            "Check how the host is written, and this machine's name service.",
        ),
    ),
    (
        ("Connection refused",),
        (
            ServerUnreachable,
            "The PostgreSQL server does not accept connections: nothing listens at its host and"
            " port.",
            "Check that the server runs, its port, and that it listens on that address.",
        ),
    ),
    (
        ("timeout expired", "timed out"),
        (
            ServerUnreachable,
            "The PostgreSQL server does not answer.",
            "Check its host and port, and that firewalls let this machine in.",
        ),
    ),
)
# One address after the other, each with what went wrong there.
_ATTEMPT = re.compile(r"port [0-9]+ failed: (.*)")
# libpq puts a server's message behind its severity, both in the server's language.
_SAID_BY_SERVER = re.compile(r"[^:]*:  ")


def why(target: client.Target, error: psycopg.OperationalError) -> CoppiceError | None:
    """Ours for a session that could not be opened, its cause one that holds no password.

    Effects: may log in once more and leave at once. None: that went well.
    """
    text = str(error)
    ours = of_libpq(text)
    if ours is not None:
        return ours
    try:
        with client.session(target):
            return None
    except client.LoginRefused as refusal:
        if not refusal.sqlstate:
            return unexplained(text)
        return of_server(refusal, user=target.user)
    except (client.Unreachable, TlsFailed):
        return unexplained(text)


def unexplained(text: str) -> CoppiceError:
    """Ours where nothing is known but what libpq said."""
    ours = ServerUnreachable("The PostgreSQL server does not accept connections.")
    return _caused(ours, psycopg.OperationalError(text))


def of_libpq(text: str) -> CoppiceError | None:
    """Ours for what libpq said; None when it was some server, or nothing that we know."""
    reasons = _ATTEMPT.findall(text) or [text]
    known = [words for words in map(_known, reasons) if words is not None]
    if len(known) < len(reasons):
        return None
    kind, message, advice = known[0]
    return _caused(kind(message, advice=advice), psycopg.OperationalError(text))


def of_server(refusal: client.LoginRefused, *, user: str) -> CoppiceError:
    """Ours for what the server said in a code to the role `user`."""
    if refusal.sqlstate == _FULL and refusal.is_authenticated:
        kind, message, advice = _no_room_for(user)
    else:
        kind, message, advice = _words(refusal.sqlstate, is_authenticated=refusal.is_authenticated)
    return _caused(kind(message, advice=advice), refusal)


def is_password_taken(error: CoppiceError) -> bool:
    """Whether the server had taken the password before it refused the session."""
    cause = error.__cause__
    return isinstance(cause, client.LoginRefused) and cause.is_authenticated


def _known(reason: str) -> _Words | None:
    if _SAID_BY_SERVER.match(reason):
        return None
    found = (words for phrases, words in _LIBPQ if any(phrase in reason for phrase in phrases))
    return next(found, None)


def _words(code: str, *, is_authenticated: bool) -> _Words:
    if code == _NO_AUTHORIZATION:  # the rules of access are looked at first, the role itself later
        return _CODES[_BAD_PASSWORD] if is_authenticated else _NO_RULE
    unknown = f"The PostgreSQL server does not accept connections (SQLSTATE {code})."
    return _CODES.get(code, (ServerUnreachable, unknown, None))


def _no_room_for(user: str) -> _Words:
    # Whether the whole server has room is looked at before the password, these limits after it.
    return (
        OutOfConnections,
        "PostgreSQL is out of connections for this role: its own limit (CONNECTION LIMIT) or that"
        " of the database is reached, or only reserved ones are left.",
        "The role's own limit is lifted by who may alter roles: ALTER ROLE"
        f" {Identifier(user).as_string()} CONNECTION LIMIT -1; {OutOfConnections.advice}",
    )


def _caused(ours: CoppiceError, cause: Exception) -> CoppiceError:
    # Never psycopg's own error: that holds the connection's parameters, the password among them.
    ours.__cause__ = cause
    return ours

"""PostgreSQL's errors in words that a person can act on."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import errors

from app.core.errors import (
    CoppiceError,
    LockLost,
    ProvisioningFailed,
    ServerBusy,
    ServerUnreachable,
    TransientError,
)

OUTRUN = "CP001"
"""SQLSTATE of ours: the database's lock, or what stood under its name, is another's by now."""


class OutOfConnections(TransientError):
    """The server, or a login, has no session left to give."""

    code = "out_of_connections"
    advice = (
        "Close idle sessions, raise max_connections, or keep some for the service:"
        " reserved_connections = 5 and GRANT pg_use_reserved_connections to its role."
    )


class LoginInUse(OutOfConnections):
    """The server took the password; the login or its database has no session left to give."""


class Overtaken(ServerBusy):
    """Somebody else was doing the same at the same moment."""


class LoginRefused(ProvisioningFailed):
    """The server answered and does not let this login in."""

    code = "login_refused"


class NoTls(LoginRefused):
    """The server has no encrypted connections at all."""

    code = "no_tls"


# What a server says when it refuses a session. libpq hands on no SQLSTATE for these, so its text
# has to do; a server that speaks another language is only described less well.
_REFUSALS: tuple[tuple[tuple[str, ...], type[CoppiceError], str, str | None], ...] = (
    (
        ("too many connections for role", "too many connections for database"),
        LoginInUse,
        "PostgreSQL gives this login no more connections.",
        "Close idle sessions of whatever uses the database.",
    ),
    (
        ("too many clients", "connection slots are reserved", "too many connections"),
        OutOfConnections,
        "PostgreSQL is out of connections.",
        None,
    ),
    (
        ("root certificate file",),
        LoginRefused,
        "The server's certificate is to be checked, and there is no CA certificate to check it by.",
        "Give the server's CA certificate; a public CA needs none with sslrootcert=system.",
    ),
    (
        ("does not match host name",),
        LoginRefused,
        "The server's certificate is for another name than this host.",
        "Use the host name that the certificate has, or sslmode=verify-ca to check the CA alone.",
    ),
    (
        ("certificate verify failed",),
        LoginRefused,
        "The server's certificate is from no CA that is trusted here, or its time is over.",
        "Give the certificate of the CA that signed the server's.",
    ),
    (
        ("no pg_hba.conf entry", "permission denied for database", "not currently accepting"),
        LoginRefused,
        "PostgreSQL does not let this login connect to this database from here.",
        "Check pg_hba.conf and the CONNECT privilege on the database.",
    ),
    (
        ("password authentication failed", "not permitted to log in"),
        LoginRefused,
        "PostgreSQL refuses this user or its password.",
        "Check user and password, and that the role may log in.",
    ),
    (
        ('FATAL:  database "',),
        LoginRefused,
        "The PostgreSQL server has no database of this name.",
        "Check the database in the connection string; `postgres` is on every server.",
    ),
    (
        ("does not exist",),
        LoginRefused,
        "The PostgreSQL server does not know this user.",
        "Check user and password.",
    ),
    (
        ("server does not support SSL",),
        NoTls,
        "The PostgreSQL server has no encrypted connections.",
        "Turn on ssl in postgresql.conf; on a private network sslmode=disable does without.",
    ),
    (
        ("certificate", "SSL error"),
        LoginRefused,
        "The encrypted connection to PostgreSQL could not be made as demanded.",
        "Check sslmode and the CA certificate.",
    ),
    (
        ("unsupported startup parameter",),
        LoginRefused,
        "A pooler answers at this address; the service needs sessions of its own.",
        "Link the server's own address, and give the pooler's as the instance's pooler.",
    ),
    (
        ("could not translate host name", "failed to resolve host"),
        ServerUnreachable,
        "The host name of the PostgreSQL server is unknown.",
        "Check how the host is written, and this machine's name service.",
    ),
    (
        ("Connection refused",),
        ServerUnreachable,
        "The PostgreSQL server does not accept connections: nothing listens at its host and port.",
        "Check that the server runs, its port, and that it listens on that address.",
    ),
    (
        ("timeout expired", "timed out"),
        ServerUnreachable,
        "The PostgreSQL server does not answer.",
        "Check its host and port, and that firewalls let this machine in.",
    ),
)


def refused(error: psycopg.OperationalError) -> CoppiceError:
    """Ours for a session that could not be opened, with the server's words as its cause.

    Not the error itself: it holds the connection's parameters, the password among them.
    """
    text = str(error)
    ours: CoppiceError = ServerUnreachable("The PostgreSQL server does not accept connections.")
    for phrases, kind, message, advice in _REFUSALS:
        if any(phrase in text for phrase in phrases):
            ours = kind(message, advice=advice)
            break
    ours.__cause__ = psycopg.OperationalError(text)
    return ours


@contextmanager
def explained(doing: str) -> Iterator[None]:
    """Raise ours for statements that failed; `doing` begins the message.

    Raises:
        ServerUnreachable, OutOfConnections, ServerBusy: Trying again can help.
        ProvisioningFailed: It cannot.
    """
    try:
        yield
    except psycopg.Error as error:
        raise _ours(error, doing=doing) from error


def _ours(error: psycopg.Error, *, doing: str) -> CoppiceError:
    if error.sqlstate == OUTRUN:
        return LockLost(f"{doing}: another worker has done something here since.")
    match error:
        case errors.TooManyConnections():
            return OutOfConnections(f"{doing}: PostgreSQL is out of connections.")
        case (
            errors.QueryCanceled()
            | errors.LockNotAvailable()
            | errors.ObjectInUse()
            | errors.DeadlockDetected()
            | errors.SerializationFailure()
        ):
            return ServerBusy(f"{doing}: {_words(error)}")
        case (
            errors.DuplicateDatabase()
            | errors.DuplicateObject()
            | errors.InvalidCatalogName()  # renamed or dropped since it was looked at
            | errors.UniqueViolation()
            | errors.InternalError_()  # "tuple concurrently updated"
        ):
            return Overtaken(f"{doing}: {_words(error)}")
        case (
            errors.DiskFull()
            | errors.OutOfMemory()
            | errors.InsufficientPrivilege()
            | errors.InvalidAuthorizationSpecification()
        ):
            return _with_advice(error, doing=doing)
        case errors.ReadOnlySqlTransaction():
            return ProvisioningFailed(
                f"{doing}: the server is read-only.",
                advice="Point the instance at the primary server, not at a standby.",
                code="read_only",
            )
        case psycopg.OperationalError() | psycopg.InterfaceError():
            return ServerUnreachable(f"{doing}: the connection to PostgreSQL was lost.")
    return ProvisioningFailed(f"{doing}: PostgreSQL says: {_words(error)}")


def _with_advice(error: psycopg.Error, *, doing: str) -> ProvisioningFailed:
    match error:
        case errors.DiskFull():
            code, message = "disk_full", "the PostgreSQL server's disk is full."
            advice = "Free space on the server, for instance by deleting old databases."
        case errors.OutOfMemory():
            code, message = "out_of_memory", "the PostgreSQL server is out of memory."
            advice = "Look at the server's memory and its number of sessions."
        case errors.InvalidAuthorizationSpecification():
            # Of a session that is open: a check of passwords says so, credcheck for instance.
            code, message = "password_refused", f"the server refuses it: {_words(error)}."
            advice = "`instances test` tries which passwords the server takes."
        case _:
            code, message = "privilege_missing", f"the service's role may not: {_words(error)}."
            advice = "`instances test` lists the missing privileges with the SQL that grants them."
    return ProvisioningFailed(f"{doing}: {message}", advice=advice, code=code)


def _words(error: psycopg.Error) -> str:
    return error.diag.message_primary or type(error).__name__

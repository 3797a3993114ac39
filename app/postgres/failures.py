"""PostgreSQL's errors in words that a person can act on, told apart by SQLSTATE."""

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
        "Close idle sessions, raise max_connections, or keep some for the service: what is found"
        " under reserved_connections has the SQL (`coppice instances test`)."
    )


class LoginInUse(OutOfConnections):
    """The server took the password; the login or its database has all the sessions it may have."""

    advice = "Close idle sessions of whatever uses the database."

    def __init__(self) -> None:
        super().__init__("PostgreSQL gives this login no more connections.")


class Overtaken(ServerBusy):
    """Somebody else was doing the same at the same moment."""


class LoginRefused(ProvisioningFailed):
    """The server answered and does not let this login in."""

    code = "login_refused"


class NoTls(LoginRefused):
    """The server has no encrypted connections at all."""

    code = "no_tls"


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
                advice="Point the instance at the primary server, not at a standby. Where it is the"
                " primary: turn default_transaction_read_only off for the service's role.",
                code="read_only",
            )
        case psycopg.OperationalError() | psycopg.InterfaceError() if _is_lost(error):
            return ServerUnreachable(f"{doing}: the connection to PostgreSQL was lost.")
    return ProvisioningFailed(f"{doing}: PostgreSQL says: {_words(error)}")


def _is_lost(error: psycopg.Error) -> bool:
    """Whether the session ended, rather than a statement for want of a file or another resource."""
    return error.sqlstate is None or error.sqlstate[:2] in ("08", "57")


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
            advice = "`coppice instances test` tries which passwords the server takes."
        case _:
            code, message = "privilege_missing", f"the service's role may not: {_words(error)}."
            advice = "`coppice instances test` lists the missing privileges with the SQL for each."
    return ProvisioningFailed(f"{doing}: {message}", advice=advice, code=code)


def _words(error: psycopg.Error) -> str:
    return error.diag.message_primary or type(error).__name__

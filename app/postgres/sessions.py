"""Connections to PostgreSQL servers, the service's own and those that check a tenant's login."""

from dataclasses import dataclass, field, replace

import psycopg
from psycopg import Connection, conninfo
from psycopg.rows import TupleRow

from app import patience
from app.core.identifiers import DatabaseName
from app.core.instances import Address, AdminLogin
from app.postgres import refusals
from app.postgres.certificates import root_certificate
from pgwire.client import Target

Session = Connection[TupleRow]

# Nothing that a tenant made can be found by name in a session of ours, and a statement cannot hang
# a worker. With an empty self-grant a role that we make is not inherited: each grant is our own.
# https://www.postgresql.org/docs/current/runtime-config-client.html#GUC-CREATEROLE-SELF-GRANT
# A worker that is paused inside a transaction must not hold up the one that takes over, and nobody
# waits long for what a tenant holds locked.
OPTIONS = (
    "-c search_path=pg_catalog -c statement_timeout=60s -c createrole_self_grant="
    " -c idle_in_transaction_session_timeout=10s -c lock_timeout=5s"
)
# A server may be too old to know that last setting; asking it for its version must work.
PROBE_OPTIONS = "-c search_path=pg_catalog -c statement_timeout=60s"
CONNECT_TIMEOUT_SECONDS = 10
# For whoever waits for an answer: what was not done in this time is not done later either.
HURRIED = " -c statement_timeout=4s"


@dataclass(frozen=True, slots=True, kw_only=True)
class Login:
    """Who connects to which database, and how."""

    address: Address
    user: str
    password: str = field(repr=False)
    database: str
    options: str = ""


def connect(login: Login) -> Session:
    """Open a session in autocommit mode. Raises psycopg.OperationalError."""
    return psycopg.connect(dsn(login), autocommit=True)


def open_session(login: Login) -> Session:
    """Open a session in autocommit mode.

    Raises:
        ServerUnreachable, OutOfConnections, LoginRefused: In a person's words.
    """
    try:
        return connect(login)
    except psycopg.OperationalError as error:
        problem = refusals.why(target(login), error)
    # Raised outside, so that they do not carry psycopg's error as their context.
    if problem is not None:
        raise problem
    try:  # there was no room, and there is some by now
        return connect(login)
    except psycopg.OperationalError as error:
        problem = refusals.unexplained(str(error))
    raise problem


def open_for_probe(admin: AdminLogin) -> Session:
    """A session of the service that also servers older than we support will give."""
    hurried = HURRIED if patience.is_limited() else ""
    return open_session(replace(admin_login(admin), options=PROBE_OPTIONS + hurried))


def admin_login(admin: AdminLogin, *, database: DatabaseName | None = None) -> Login:
    """The service's own login to a database, or to the one it administers from."""
    return Login(
        address=admin.address,
        user=admin.user,
        password=admin.password,
        database=database or admin.maintenance_database,
        options=OPTIONS + HURRIED if patience.is_limited() else OPTIONS,
    )


def target(login: Login) -> Target:
    """The same for the small client that asks for SQLSTATEs."""
    return Target(
        host=login.address.host,
        port=login.address.port,
        database=login.database,
        user=login.user,
        password=login.password,
        sslmode=login.address.sslmode.value,
        ca_certificate=login.address.ca_certificate,
        options=login.options,
        may_show_password=True,
        timeout_seconds=patience.left(CONNECT_TIMEOUT_SECONDS),
    )


def dsn(login: Login) -> str:
    """Everything libpq needs; holds the password, so it is never to be logged."""
    return conninfo.make_conninfo(
        "",
        host=login.address.host,
        port=login.address.port,
        user=login.user,
        password=login.password,
        dbname=login.database,
        sslmode=login.address.sslmode.value,
        sslrootcert=root_certificate(login.address),
        options=login.options or None,
        application_name="coppice",
        # A database of encoding SQL_ASCII would else give bytes for every text.
        client_encoding="utf8",
        # A whole number, and never below two seconds, says libpq.
        connect_timeout=max(2, round(patience.left(CONNECT_TIMEOUT_SECONDS))),
        keepalives_idle=30,
        keepalives_interval=10,
        keepalives_count=3,
    )

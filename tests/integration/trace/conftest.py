"""One database and one proxy in front of it, for all tests of the trace."""

import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

from app.core.instances import AdminLogin
from app.postgres.sessions import admin_login, connect
from pgwire.client import Target, session
from pgwire.trace.proxy import Proxy
from pgwire.trace.report import Report, Statement


@dataclass(frozen=True, kw_only=True)
class Traced:
    """A database of one login, and the proxy through which it can be reached as well."""

    target: Target
    proxy: Proxy

    @property
    def through(self) -> Target:
        """How a command is told to reach it."""
        return replace(self.target, host=self.proxy.host, port=self.proxy.port)

    def direct(self, **changes: Any) -> psycopg.Connection[Any]:
        return connected(self.target, **changes)

    def proxied(self, **changes: Any) -> psycopg.Connection[Any]:
        return connected(self.through, **changes)

    def report(self) -> Report:
        return self.proxy.report()

    def statement(self, start: str) -> Statement:
        """The one of the report that begins like this."""
        [found] = [each for each in self.report().statements if each.sql.startswith(start)]
        return found


def connected(target: Target, **changes: Any) -> psycopg.Connection[Any]:
    settings = {
        "host": target.host,
        "port": target.port,
        "user": target.user,
        "password": target.password,
        "dbname": target.database,
        "sslmode": "disable",
        "autocommit": True,
        **changes,
    }
    return psycopg.connect(**settings)


@pytest.fixture(scope="session")
def new_login(postgres_superuser: AdminLogin) -> Iterator[Callable[[], Target]]:
    """Makes a role without rights, and a database that it owns."""
    made: list[sql.Identifier] = []

    def new() -> Target:
        name, password = f"trace_{uuid.uuid4().hex[:10]}", uuid.uuid4().hex
        made.append(sql.Identifier(name))
        admin.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(made[-1], sql.Literal(password))
        )
        admin.execute(sql.SQL("CREATE DATABASE {0} OWNER {0}").format(made[-1]))
        return Target(
            host=postgres_superuser.address.host,
            port=postgres_superuser.address.port,
            database=name,
            user=name,
            password=password,
            sslmode="disable",
            ca_certificate=None,
        )

    with connect(admin_login(postgres_superuser)) as admin:
        yield new
        for name in made:
            admin.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(name))
            admin.execute(sql.SQL("DROP ROLE {}").format(name))


@contextmanager
def tracing(target: Target, **options: Any) -> Iterator[Traced]:
    """Trace from now on: what there is at this moment is what may be locked."""
    with session(target) as beside, Proxy(target, beside, **options) as proxy:
        yield Traced(target=target, proxy=proxy)


@pytest.fixture(scope="session")
def login(new_login: Callable[[], Target]) -> Target:
    """A database that all tests of a process share."""
    return new_login()


@pytest.fixture(scope="session")
def shared(login: Target) -> Iterator[Traced]:
    """For what asks nothing of the report."""
    with tracing(login) as traced:
        yield traced


Tracing = Callable[[str], AbstractContextManager[Traced]]


@pytest.fixture
def traced(login: Target) -> Tracing:
    """Traces after a script that makes what was there before."""

    @contextmanager
    def begin(script: str) -> Iterator[Traced]:
        with connected(login) as connection:
            connection.execute("DROP SCHEMA public CASCADE; CREATE SCHEMA public")
            connection.execute(script.encode())
        with tracing(login) as traced:
            yield traced

    return begin

"""A server in trouble: what is said, and that things go on afterwards."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import errors, sql

from app.core.databases import TenantDatabase
from app.core.errors import (
    CoppiceError,
    ProvisioningFailed,
    ServerBusy,
    ServerUnreachable,
    TransientError,
)
from app.core.instances import AdminLogin
from app.postgres.embedded.server import EmbeddedServer
from app.postgres.embedded.tenant_cluster import prepare_tenant_cluster
from app.postgres.failures import OutOfConnections, explained
from app.postgres.passwords import new_password
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session, admin_login, connect
from tests.integration.german import speaking_german
from tests.integration.postgres.conftest import Tenant
from tests.integration.postgres.test_hostile_jobs import beginning
from tests.integration.shared_cluster import let_in, remove_role

NewTenant = Callable[[], TenantDatabase]


@pytest.fixture
def small_server(postgres_directory: Path) -> Iterator[tuple[EmbeddedServer, AdminLogin]]:
    """A server of this test alone, with room for few sessions."""
    settings = {
        "fsync": "off",
        "max_connections": "12",
        "superuser_reserved_connections": "1",
        "reserved_connections": "4",
    }
    server = EmbeddedServer(postgres_directory / f"small-{uuid4().hex}", settings=settings)
    yield server, prepare_tenant_cluster(server.start())
    server.destroy()


def test_the_service_gets_in_when_others_have_taken_all_sessions(
    small_server: tuple[EmbeddedServer, AdminLogin], new_tenant: NewTenant
) -> None:
    embedded, admin = small_server
    database, password = new_tenant(), new_password()
    others = replace(embedded.start(), user="others", password=password)
    with connect(admin_login(embedded.start())) as dba:
        dba.execute(sql.SQL("CREATE ROLE others LOGIN PASSWORD {}").format(password))
        dba.execute("GRANT CONNECT ON DATABASE postgres TO others")
    with speaking_german(admin.address) as address:
        server = PostgresServer(replace(admin, address=address))
        server.provision(database, password=password)

        with ExitStack() as sessions:
            with pytest.raises(psycopg.OperationalError, match="remaining connection slots"):
                take_all_sessions(others, sessions)
            with pytest.raises(OutOfConnections, match="out of connections"):
                server.issue(database, password=password)
            server.seal(database)

        server.unseal(database, password=password)
        server.close()


def take_all_sessions(login: AdminLogin, sessions: ExitStack) -> None:
    for _ in range(12):
        sessions.enter_context(connect(admin_login(login)))


def test_a_restarted_server_is_found_again(
    small_server: tuple[EmbeddedServer, AdminLogin], new_tenant: NewTenant
) -> None:
    embedded, admin = small_server
    server = PostgresServer(admin)
    assert server.database_names(prefix="post") == ["postgres"]

    embedded.stop()
    with pytest.raises(ServerUnreachable):
        server.database_names(prefix="post")
    embedded.start()

    assert server.database_names(prefix="post") == ["postgres"]
    server.close()


def test_without_the_right_to_signal_sessions_are_ended_all_the_same(
    small_server: tuple[EmbeddedServer, AdminLogin], new_tenant: NewTenant
) -> None:
    embedded, admin = small_server
    with connect(admin_login(embedded.start())) as dba:
        dba.execute("REVOKE pg_signal_backend FROM coppice_admin")
    server, database, password = PostgresServer(admin), new_tenant(), new_password()
    server.provision(database, password=password)
    tenant = Tenant(admin=admin, database=database, role=database.login_role, password=password)
    with tenant.session():
        server.seal(database)
    server.unseal(database, password=password)
    tenant.run("CREATE TABLE secrets (a int)")

    may = "SELECT has_table_privilege('coppice_admin', 'secrets', 'SELECT')"
    assert tenant.value(may) is False

    with connect(admin_login(embedded.start())) as dba, beginning(tenant, dba):
        server.drop(database)
    assert server.database_names(prefix=database.name) == []
    server.close()


def test_a_missing_privilege_is_named(
    superuser: Session, postgres_superuser: AdminLogin, new_tenant: NewTenant
) -> None:
    name, password = f"weak_{uuid4().hex}", new_password()
    role = sql.Identifier(name)
    superuser.execute(
        sql.SQL("CREATE ROLE {} LOGIN SUPERUSER PASSWORD {}").format(role, sql.Literal(password))
    )
    superuser.execute(sql.SQL("ALTER ROLE {} NOSUPERUSER").format(role))
    let_in(superuser, role)
    weak = AdminLogin(address=postgres_superuser.address, user=name, password=password)
    server = PostgresServer(weak)

    with pytest.raises(ProvisioningFailed, match="may not: permission denied to create role"):
        server.provision(new_tenant(), password=new_password())

    server.close()
    remove_role(superuser, role)


@pytest.mark.parametrize(
    ("error", "kind", "words"),
    [
        (errors.DiskFull(), ProvisioningFailed, "disk is full"),
        (errors.TooManyConnections(), OutOfConnections, "out of connections"),
        (errors.ObjectInUse(), ServerBusy, "Testing"),
        (errors.LockNotAvailable(), TransientError, "Testing"),
        (errors.QueryCanceled(), TransientError, "Testing"),
        (errors.AdminShutdown(), ServerUnreachable, "lost"),
        (psycopg.OperationalError(), ServerUnreachable, "lost"),
        (errors.ConnectionFailure(), ServerUnreachable, "lost"),
        (errors.UndefinedFile(), ProvisioningFailed, "Testing: PostgreSQL says"),
        (errors.ReadOnlySqlTransaction(), ProvisioningFailed, "read-only"),
        (errors.InvalidParameterValue(), ProvisioningFailed, "Testing"),
    ],
)
def test_each_trouble_has_words(error: psycopg.Error, kind: type[CoppiceError], words: str) -> None:
    with pytest.raises(kind, match=words) as caught, explained("Testing"):
        raise error

    assert caught.value.__cause__ is error

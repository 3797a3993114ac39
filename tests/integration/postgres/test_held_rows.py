"""What a tenant, or an administrator, holds of the shared catalogs stops nothing."""

from dataclasses import replace

import psycopg
import pytest

from app.core.databases import TenantDatabase
from app.core.errors import CoppiceError
from app.core.identifiers import DatabaseName
from app.postgres import catalog
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import Tenant
from tests.integration.postgres.test_stubborn_jobs import holding, within_seconds


def grants_on_its_database(tenant: Tenant) -> str:
    """Only a warning to PostgreSQL, and it updates the row of the database."""
    return f'GRANT CONNECT ON DATABASE "{tenant.database.name}" TO "{tenant.database.login_role}"'


@pytest.mark.parametrize("way", ["seal", "drop", "clear"])
@pytest.mark.parametrize("who", ["tenant", "job"])
def test_a_session_that_holds_its_databases_row_is_out(
    way: str, who: str, tenant: Tenant, job: Tenant, tenant_server: PostgresServer
) -> None:
    one = {"tenant": tenant, "job": job}[who]
    with holding(one, grants_on_its_database(tenant)) as session, within_seconds():
        getattr(tenant_server, way)(tenant.database)
        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert not one.can_connect()


def test_a_session_that_holds_its_databases_row_keeps_it_from_no_name(
    tenant: Tenant, tenant_server: PostgresServer
) -> None:
    with holding(tenant, grants_on_its_database(tenant)), within_seconds():
        tenant_server.seal(tenant.database)
        tenant_server.rename(
            tenant.database, new_name=DatabaseName(f"{tenant.database.name}-retired")
        )
    tenant_server.rename(
        replace(tenant.database, name=DatabaseName(f"{tenant.database.name}-retired")),
        new_name=tenant.database.name,
    )


def test_a_login_is_issued_while_its_databases_row_is_held(
    tenant: Tenant, tenant_server: PostgresServer
) -> None:
    with holding(tenant, grants_on_its_database(tenant)), within_seconds():
        tenant_server.issue(tenant.database, password=tenant.password)


@pytest.mark.parametrize("way", ["drop", "clear", "provision"])
def test_what_was_half_dropped_is_not_dropped_again_by_an_earlier_holder(
    way: str,
    tenant: Tenant,
    tenant_server: PostgresServer,
    superuser: Session,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    superuser.execute(
        "UPDATE pg_database SET datconnlimit = -2 WHERE datname = %s", [tenant.database.name]
    )
    read = catalog.read_our_database
    has_read: list[int] = []

    def read_and_sleep(session: Session, database: TenantDatabase) -> object:
        facts = read(session, database)
        if not has_read:
            has_read.append(1)
            later = replace(database, fence=database.fence + 1)
            tenant_server.provision(later, password=tenant.password)
            tenant.run("CREATE TABLE precious (a int)")
        return facts

    monkeypatch.setattr(catalog, "read_our_database", read_and_sleep)
    arguments = {"password": tenant.password} if way == "provision" else {}
    with pytest.raises(CoppiceError):
        getattr(tenant_server, way)(tenant.database, **arguments)
    is_kept = tenant.can_connect() and tenant.value("SELECT to_regclass('precious') IS NOT NULL")
    tenant_server.drop(replace(tenant.database, fence=tenant.database.fence + 1))
    assert is_kept


def test_owner_role_dropped_by_admin(
    tenant: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    superuser.execute(f'DROP DATABASE "{tenant.database.name}" WITH (FORCE)'.encode())
    superuser.execute(f'DROP ROLE "{tenant.database.owner_role}"'.encode())
    tenant_server.seal(tenant.database)
    tenant_server.drop(tenant.database)


def test_a_person_who_was_granted_the_login_survives(
    tenant: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    """An analyst's role, made a member by the administrator."""
    superuser.execute("DROP ROLE IF EXISTS analyst; CREATE ROLE analyst LOGIN PASSWORD 'x'")
    try:
        superuser.execute(f'GRANT "{tenant.role}" TO analyst'.encode())
        tenant_server.seal(tenant.database)
        assert not tenant.can_connect()
        tenant_server.unseal(tenant.database, password=tenant.password)
        assert superuser.execute(
            "SELECT FROM pg_roles WHERE rolname = 'analyst' AND rolcanlogin"
        ).rowcount
    finally:
        superuser.execute("DROP ROLE IF EXISTS analyst")


def test_drop_owned_keeps_connect(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer
) -> None:
    job.run("DROP OWNED BY CURRENT_USER CASCADE")
    end = tenant_server.close_job_login(tenant.database, job.role, password=tenant.password)
    assert end.is_settled
    assert tenant.can_connect()

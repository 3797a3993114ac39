"""Closing a database, opening it again, renaming and dropping it."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed, TransientError
from app.core.identifiers import DatabaseName
from app.postgres.passwords import new_password
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import Tenant


def test_sealing_ends_sessions_and_lets_nobody_in(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer
) -> None:
    with tenant.session() as application, job.session() as working:
        tenant_server.seal(tenant.database)

        for session in (application, working):
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1")
    assert not tenant.can_connect()
    assert not job.can_connect()


def test_unsealing_gives_the_data_back(tenant: Tenant, tenant_server: PostgresServer) -> None:
    tenant.run("CREATE TABLE kept (a int)")
    tenant_server.seal(tenant.database)
    password = new_password()

    tenant_server.unseal(tenant.database, password=password)

    assert replace(tenant, password=password).value("SELECT count(*) FROM kept") == 0


def test_unsealing_ends_the_jobs_of_before(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    job.run("SET ROLE none", "CREATE TABLE mine (a int)")
    tenant_server.seal(tenant.database)
    tenant_server.close_job_login(job.database, job.role)

    tenant_server.unseal(tenant.database, password=tenant.password)

    owner = tenant.value("SELECT tableowner FROM pg_tables WHERE tablename = 'mine'")
    assert owner == tenant.database.inner_owner
    left = superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [job.role])
    assert left.rowcount == 0


def test_unsealing_what_is_gone_says_so(
    tenant_server: PostgresServer, new_tenant: Callable[[], TenantDatabase]
) -> None:
    with pytest.raises(ProvisioningFailed, match="no longer on the server"):
        tenant_server.unseal(new_tenant(), password=new_password())


def test_unsealing_notices_rights_that_a_dba_gave_away(
    tenant: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    tenant_server.seal(tenant.database)
    superuser.execute(f'GRANT CONNECT ON DATABASE "{tenant.database.name}" TO pg_monitor')

    with pytest.raises(ProvisioningFailed, match="grants on database"):
        tenant_server.unseal(tenant.database, password=tenant.password)

    assert not tenant.can_connect()


@pytest.mark.parametrize("act", ["seal", "drop"])
def test_repeating_on_what_is_gone_is_harmless(
    act: str, tenant: Tenant, tenant_server: PostgresServer
) -> None:
    tenant_server.drop(tenant.database)

    getattr(tenant_server, act)(tenant.database)


def test_renaming_moves_it_out_of_the_way(tenant: Tenant, tenant_server: PostgresServer) -> None:
    new_name = DatabaseName(f"{tenant.database.name}--kept")
    tenant.run("CREATE TABLE kept (a int)")
    tenant_server.seal(tenant.database)

    tenant_server.rename(tenant.database, new_name=new_name)
    tenant_server.rename(tenant.database, new_name=new_name)

    renamed = replace(tenant.database, name=new_name)
    tenant_server.unseal(renamed, password=tenant.password)
    assert replace(tenant, database=renamed).value("SELECT count(*) FROM kept") == 0
    tenant_server.drop(renamed)


def test_renaming_never_replaces_another_database(
    tenant: Tenant, tenant_server: PostgresServer, new_provisioned: Callable[[], Tenant]
) -> None:
    other = new_provisioned()
    tenant_server.seal(tenant.database)

    with pytest.raises(ProvisioningFailed, match="Naming conflict"):
        tenant_server.rename(tenant.database, new_name=other.database.name)

    assert other.can_connect()


def test_renaming_waits_for_sessions_to_end(tenant: Tenant, tenant_server: PostgresServer) -> None:
    with tenant.session(), pytest.raises(TransientError):
        tenant_server.rename(tenant.database, new_name=DatabaseName("elsewhere"))


def test_dropping_takes_sessions_roles_and_jobs_along(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    with job.session() as working:
        working.execute("CREATE TABLE t (a int)")
        tenant_server.drop(tenant.database)

    left = superuser.execute(
        "SELECT rolname FROM pg_roles WHERE rolname = ANY(%s)"
        " UNION ALL SELECT datname FROM pg_database WHERE datname = %s",
        [
            [tenant.role, job.role, tenant.database.owner_role],
            tenant.database.name,
        ],
    ).fetchall()
    assert left == []


def test_a_job_that_ends_at_the_same_moment_keeps_nothing_open(
    tenant: Tenant,
    job: Tenant,
    tenant_server: PostgresServer,
    superuser_in: Callable[[str], Session],
) -> None:
    holding, watching = superuser_in("postgres"), superuser_in("postgres")
    with ThreadPoolExecutor(max_workers=1) as worker, tenant.session() as application:
        with holding.transaction(force_rollback=True):
            # Sealing has listed the logins when it comes to the first of them.
            holding.execute(f'ALTER ROLE "{tenant.role}" CONNECTION LIMIT 7'.encode())
            sealing = worker.submit(tenant_server.seal, tenant.database)
            while not watching.execute(
                "SELECT FROM pg_locks WHERE NOT granted AND %s = ANY(pg_blocking_pids(pid))",
                [holding.info.backend_pid],
            ).rowcount:
                assert not sealing.done()
            watching.execute(f'DROP ROLE "{job.role}"'.encode())
        sealing.result()

        with pytest.raises(psycopg.OperationalError):
            application.execute("SELECT 1")

"""A job's login: acts as the long-lived one, and leaves nothing behind."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed, TransientError
from app.core.identifiers import RoleName
from app.operations.ports.postgres import JobLoginRequest
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import Tenant, job_request

# As a hostile or clumsy job may: out of the role that its sessions begin with.
AS_ITSELF = "SET ROLE none"


def owner_of(tenant: Tenant, table: str) -> object:
    return tenant.value(f"SELECT tableowner FROM pg_tables WHERE tablename = '{table}'")


def role_exists(superuser: Session, role: RoleName) -> bool:
    return bool(superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount)


def test_what_a_job_makes_belongs_to_the_long_lived_login(tenant: Tenant, job: Tenant) -> None:
    job.run("CREATE TABLE made (a int)")

    assert owner_of(tenant, "made") == tenant.role


def test_a_jobs_sessions_begin_with_its_timeouts(job: Tenant) -> None:
    assert job.value("SHOW statement_timeout") == "15min"
    assert job.value("SHOW lock_timeout") == "30s"
    assert job.value("SHOW idle_in_transaction_session_timeout") == "5min"


def test_the_long_lived_login_has_no_timeouts_of_ours(tenant: Tenant) -> None:
    assert tenant.value("SHOW statement_timeout") == "0"
    assert tenant.value("SHOW lock_timeout") == "0"


def test_a_jobs_password_ends_at_its_time(tenant: Tenant, superuser: Session, job: Tenant) -> None:
    row = superuser.execute(
        "SELECT rolvaliduntil FROM pg_roles WHERE rolname = %s", [job.role]
    ).fetchone()

    assert row is not None
    assert row[0] < datetime.now(UTC) + timedelta(minutes=31)


def test_ending_a_job_ends_its_sessions_and_its_login(
    job: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    with job.session() as session:
        tenant_server.close_job_login(job.database, job.role)

        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert not job.can_connect()
    assert not role_exists(superuser, job.role)


LEFT_BEHIND = [
    "CREATE TABLE left_behind (a int)",
    "CREATE SCHEMA own; CREATE TABLE own.left_behind (a int);"
    "CREATE FUNCTION own.f() RETURNS int LANGUAGE sql AS 'SELECT 1'",
    "ALTER DEFAULT PRIVILEGES GRANT ALL ON TABLES TO PUBLIC; CREATE TABLE left_behind (a int)",
    "DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE public.left_behind (a int)",
    "CREATE TABLE left_behind (a int); GRANT SELECT ON left_behind TO PUBLIC;"
    "CREATE VIEW v AS SELECT * FROM left_behind; CREATE TYPE mood AS ENUM ('bad')",
    "SELECT lo_create(0); CREATE TABLE left_behind (a int)",
    "CREATE TABLE left_behind (a int); CREATE PUBLICATION p FOR TABLE left_behind",
    "CREATE EXTENSION hstore; CREATE TABLE left_behind (a hstore)",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; CREATE SCHEMA later;"
    "ALTER FUNCTION f() SET SCHEMA later; CREATE TABLE later.left_behind (a int)",
]


@pytest.mark.parametrize("work", LEFT_BEHIND)
def test_what_a_job_owns_itself_goes_to_the_long_lived_login(
    work: str, tenant: Tenant, job: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    job.run(AS_ITSELF, work)

    tenant_server.close_job_login(job.database, job.role)

    assert owner_of(tenant, "left_behind") == tenant.role
    assert not role_exists(superuser, job.role)


def test_a_jobs_privileges_are_removed_with_it(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    tenant.run(f'CREATE TABLE t (a int); GRANT SELECT ON t TO "{job.role}"')
    tenant.run(f'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "{job.role}"')

    tenant_server.close_job_login(job.database, job.role)

    assert not role_exists(superuser, job.role)


def test_a_job_whose_things_are_in_use_is_ended_later(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    job.run(AS_ITSELF, "CREATE TABLE busy (a int)", "GRANT ALL ON busy TO PUBLIC")

    with tenant.session() as application, application.transaction():
        application.execute("SELECT * FROM busy")
        with pytest.raises(TransientError):
            tenant_server.close_job_login(job.database, job.role)
        assert not job.can_connect()
    tenant_server.close_job_login(job.database, job.role)

    assert owner_of(tenant, "busy") == tenant.role
    assert not role_exists(superuser, job.role)


def test_a_password_that_a_job_gave_the_long_lived_login_lets_nobody_in(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer
) -> None:
    job.run(f"ALTER ROLE \"{tenant.role}\" PASSWORD 'planted'")
    thief = replace(tenant, password="planted")
    with thief.session() as session:
        tenant_server.close_job_login(job.database, job.role)
        tenant_server.take_back(tenant.database, password=tenant.password)

        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert not thief.can_connect()
    assert tenant.can_connect()


def test_an_applications_sessions_outlive_a_job_that_did_no_harm(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer
) -> None:
    with tenant.session() as application:
        tenant_server.close_job_login(job.database, job.role)
        tenant_server.take_back(tenant.database, password=tenant.password)

        assert application.execute("SELECT 1").fetchone() == (1,)


def test_a_job_that_several_workers_end_at_once_is_ended(
    tenant: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    with ThreadPoolExecutor(max_workers=4) as workers:
        for _ in range(10):
            request = job_request(tenant.database)
            tenant_server.open_job_login(tenant.database, request)
            endings = [
                workers.submit(tenant_server.close_job_login, tenant.database, request.role)
                for _ in range(4)
            ]
            for ending in endings:
                ending.result()
            assert not role_exists(superuser, request.role)


def test_ending_a_job_twice_is_harmless(job: Tenant, tenant_server: PostgresServer) -> None:
    tenant_server.close_job_login(job.database, job.role)
    tenant_server.close_job_login(job.database, job.role)


def test_opening_a_job_twice_takes_the_last_password(
    tenant: Tenant, tenant_server: PostgresServer, job: Tenant
) -> None:
    again = job_request(tenant.database)
    assert again.role == job.role

    tenant_server.open_job_login(tenant.database, again)

    assert not job.can_connect()
    tenant_server.check_marker(
        tenant.database, role=again.role, password=again.password, address=tenant.admin.address
    )


def test_a_job_that_set_things_for_its_role_begins_anew(
    tenant: Tenant, tenant_server: PostgresServer, job: Tenant
) -> None:
    job.run(AS_ITSELF, "ALTER ROLE CURRENT_USER SET search_path = evil")
    job.run(AS_ITSELF, f'ALTER ROLE CURRENT_USER IN DATABASE "{job.database.name}" SET role = none')

    again = job_request(tenant.database)
    tenant_server.open_job_login(tenant.database, again)

    renewed = Tenant(admin=job.admin, database=job.database, role=job.role, password=again.password)
    assert renewed.value("SELECT current_user::text") == tenant.role
    assert renewed.value("SHOW search_path") == '"$user", public'


def test_a_strangers_role_is_neither_taken_nor_dropped(
    tenant: Tenant, tenant_server: PostgresServer, new_provisioned: Callable[[], Tenant]
) -> None:
    stranger = new_provisioned()
    request = JobLoginRequest(
        role=stranger.role,
        password="x" * 40,
        valid_until=datetime.now(UTC),
        statement_timeout_seconds=1,
    )

    with pytest.raises(ProvisioningFailed, match="Naming conflict"):
        tenant_server.open_job_login(tenant.database, request)
    with pytest.raises(ProvisioningFailed, match="Naming conflict"):
        tenant_server.close_job_login(tenant.database, stranger.role)

    assert stranger.can_connect()


def test_no_job_login_without_a_database(
    tenant_server: PostgresServer, new_tenant: Callable[[], TenantDatabase]
) -> None:
    database = new_tenant()

    with pytest.raises(ProvisioningFailed, match="no longer on the server"):
        tenant_server.open_job_login(database, job_request(database))


def test_a_job_may_use_only_some_of_the_sessions(job: Tenant) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        job.run(AS_ITSELF, f'ALTER ROLE "{job.role}" CONNECTION LIMIT -1')

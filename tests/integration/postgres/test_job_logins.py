"""A job's login: acts as the long-lived one, and leaves nothing behind."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.identifiers import RoleName
from app.operations.ports.postgres import JobLoginRequest
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import Tenant, as_login, job_request

# As a hostile or clumsy job may: out of the role that its sessions begin with.
AS_ITSELF = "SET ROLE none"


def owner_of(tenant: Tenant, table: str) -> object:
    return tenant.value(f"SELECT tableowner FROM pg_tables WHERE tablename = '{table}'")


def role_exists(superuser: Session, role: RoleName) -> bool:
    return bool(superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [role]).rowcount)


def test_what_a_job_makes_belongs_to_the_data_role(tenant: Tenant, job: Tenant) -> None:
    job.run("CREATE TABLE made (a int)")

    assert owner_of(tenant, "made") == tenant.database.inner_owner


TIMEOUTS = (
    "SELECT string_agg(name || '=' || setting, ' ' ORDER BY name) FROM pg_settings"
    " WHERE name LIKE '%\\_timeout' AND context = 'user' AND source <> 'default'"
)


def test_no_login_has_a_timeout_of_ours(either: Tenant) -> None:
    """Only the time limit of a run ends its command: CREATE INDEX CONCURRENTLY waits for others."""
    assert either.value(TIMEOUTS) is None


def test_an_assignments_lock_timeout_holds_for_its_jobs_alone_and_ends_with_the_rule(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer
) -> None:
    tenant_server.open_job_login(
        tenant.database,
        replace(job_request(tenant.database, lock_timeout="30s"), password=job.password),
    )
    assert job.value(TIMEOUTS) == "lock_timeout=30000"
    assert tenant.value(TIMEOUTS) is None

    tenant_server.open_job_login(
        tenant.database, replace(job_request(tenant.database), password=job.password)
    )

    assert job.value(TIMEOUTS) is None


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
def test_what_a_job_owns_itself_goes_to_the_data_role(
    work: str, tenant: Tenant, job: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    job.run(AS_ITSELF, work)

    tenant_server.close_job_login(job.database, job.role)

    assert owner_of(tenant, "left_behind") == tenant.database.inner_owner
    assert not role_exists(superuser, job.role)


def test_a_jobs_privileges_are_removed_with_it(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    tenant.run(f'CREATE TABLE t (a int); GRANT SELECT ON t TO "{job.role}"')
    tenant.run(f'ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO "{job.role}"')

    tenant_server.close_job_login(job.database, job.role)

    assert not role_exists(superuser, job.role)


@contextmanager
def in_use(tenant: Tenant, job: Tenant) -> Iterator[None]:
    """A deployed application looks at what the job made."""
    job.run(AS_ITSELF, "CREATE TABLE left_behind (a int)", "GRANT ALL ON left_behind TO PUBLIC")
    with tenant.session() as application, application.transaction():
        application.execute("SELECT * FROM left_behind")
        yield


@contextmanager
def in_a_schema_of_nobodys(tenant: Tenant, job: Tenant) -> Iterator[None]:
    """What the job made is in a schema in which its owner may make nothing."""
    job.run("CREATE SCHEMA shut", f'GRANT ALL ON SCHEMA shut TO "{job.role}"')
    function = "CREATE FUNCTION shut.left_behind() RETURNS int LANGUAGE sql AS 'SELECT 1'"
    job.run(AS_ITSELF, function, "CREATE TABLE free (a int)")
    job.run(f'REVOKE CREATE ON SCHEMA shut FROM "{tenant.database.inner_owner}"')
    yield
    assert owner_of(tenant, "free") == tenant.database.inner_owner
    tenant.run(f'GRANT CREATE ON SCHEMA shut TO "{tenant.database.inner_owner}"')


OWNER_OF_WHAT_IS_LEFT = (
    "SELECT pg_get_userbyid(relowner) FROM pg_class WHERE relname = 'left_behind' UNION"
    " SELECT pg_get_userbyid(proowner) FROM pg_proc WHERE proname = 'left_behind'"
)
KEPT_BY = [in_use, in_a_schema_of_nobodys]


@pytest.mark.parametrize("kept", KEPT_BY)
def test_what_cannot_be_handed_over_keeps_no_job_from_ending(
    kept: Callable[[Tenant, Tenant], AbstractContextManager[None]],
    tenant: Tenant,
    job: Tenant,
    tenant_server: PostgresServer,
    superuser: Session,
) -> None:
    with kept(tenant, job), job.session() as session:
        end = tenant_server.close_job_login(job.database, job.role, password=tenant.password)

        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
        assert end.left
        assert end.is_settled
        assert not job.can_connect()
        assert rights_of(superuser, job.role) == []
        assert tenant.value(OWNER_OF_WHAT_IS_LEFT) == job.role
        assert tenant.database.name in found(tenant_server, "left_behind")
    tenant_server.provision(tenant.database, password=tenant.password)

    assert tenant.value(OWNER_OF_WHAT_IS_LEFT) == tenant.database.inner_owner
    assert not role_exists(superuser, job.role)
    assert tenant.database.name not in found(tenant_server, "left_behind")


def found(server: PostgresServer, code: str) -> str:
    """What a look at the server says of this."""
    return " ".join(each.message for each in server.probe().findings if each.code == code)


def rights_of(superuser: Session, role: RoleName) -> list[str]:
    """Roles whose rights it has, or may take."""
    rows = superuser.execute(
        "SELECT rolname::text FROM pg_roles WHERE rolname <> %(role)s"
        " AND (pg_has_role(%(role)s, oid, 'USAGE') OR pg_has_role(%(role)s, oid, 'SET'))",
        {"role": role},
    )
    return [name for (name,) in rows]


def test_the_login_is_taken_back_although_something_cannot_be_handed_over(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer
) -> None:
    thief = replace(tenant, password="planted")
    with in_a_schema_of_nobodys(tenant, job):
        job.run(as_login(tenant), f"ALTER ROLE \"{tenant.role}\" PASSWORD 'planted'")
        with thief.session() as session:
            tenant_server.close_job_login(job.database, job.role, password=tenant.password)

            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1")
        assert not thief.can_connect()
        assert tenant.can_connect()


MANY = [
    "CREATE SCHEMA own; CREATE TYPE own.mood AS ENUM ('bad'); CREATE DOMAIN own.short AS text;"
    "CREATE TABLE own.t (id serial, n int GENERATED ALWAYS AS IDENTITY, m own.mood);"
    "CREATE FUNCTION own.f(int, text) RETURNS int LANGUAGE sql AS 'SELECT 1';"
    "CREATE PROCEDURE own.p() LANGUAGE sql AS 'SELECT 1';"
    "CREATE AGGREGATE own.total(int) (sfunc = int4pl, stype = int);"
    "CREATE VIEW own.v AS SELECT 1; CREATE MATERIALIZED VIEW own.mv AS SELECT 1;"
    "CREATE STATISTICS own.s ON id, n FROM own.t; CREATE SEQUENCE own.alone;"
    "CREATE TYPE own.r AS RANGE (subtype = int); CREATE TYPE own.pair AS (a int, b int);"
    "CREATE OPERATOR own.=== (leftarg = int, rightarg = int, function = int4pl);"
    "CREATE COLLATION own.c (locale = 'C'); CREATE PUBLICATION p FOR TABLE own.t;"
    "CREATE TEXT SEARCH DICTIONARY own.d (template = simple);"
    "CREATE EXTENSION hstore SCHEMA own",
    "SELECT lo_create(0) FROM generate_series(1, 700)",
    "DO $$ BEGIN FOR i IN 1..50 LOOP EXECUTE format('CREATE TABLE \"T %s\" (a int)', i);"
    " END LOOP; END $$",
]


def test_what_is_too_much_for_one_transaction_is_handed_over_in_several(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    job.run(AS_ITSELF, *MANY)

    problem = tenant_server.close_job_login(job.database, job.role).left

    assert problem is None
    assert owner_of(tenant, "T 50") == tenant.database.inner_owner
    assert not role_exists(superuser, job.role)


def test_a_password_that_a_job_gave_the_long_lived_login_lets_nobody_in(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer
) -> None:
    job.run(as_login(tenant), f"ALTER ROLE \"{tenant.role}\" PASSWORD 'planted'")
    thief = replace(tenant, password="planted")
    with thief.session() as session:
        tenant_server.close_job_login(job.database, job.role)
        tenant_server.reclaim(tenant.database, password=tenant.password)

        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert not thief.can_connect()
    assert tenant.can_connect()


def test_an_applications_sessions_outlive_a_job_that_did_no_harm(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer
) -> None:
    with tenant.session() as application:
        tenant_server.close_job_login(job.database, job.role)
        tenant_server.reclaim(tenant.database, password=tenant.password)

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
    assert renewed.value("SELECT current_user::text") == tenant.database.inner_owner
    assert renewed.value("SHOW search_path") == '"$user", public'


def test_a_strangers_role_is_neither_taken_nor_dropped(
    tenant: Tenant, tenant_server: PostgresServer, new_provisioned: Callable[[], Tenant]
) -> None:
    stranger = new_provisioned()
    request = JobLoginRequest(
        role=stranger.role,
        password="x" * 40,
        valid_until=datetime.now(UTC),
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

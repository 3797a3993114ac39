"""What a tenant must not be able to do, tried as both kinds of login."""

from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import replace

import psycopg
import pytest
from psycopg import errors, sql

from app.core.connections import OWN_OF_JOB, USUAL
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import Tenant, job_request

FORBIDDEN = [
    "CREATE EXTENSION dblink",
    "CREATE EXTENSION postgres_fdw",
    "CREATE EXTENSION file_fdw",
    "CREATE EXTENSION vector",
    "SELECT pg_read_file('/etc/passwd')",
    "SELECT pg_ls_dir('/')",
    "CREATE TABLE t (a text); COPY t FROM '/etc/passwd'",
    "COPY (SELECT 1) TO PROGRAM 'cat'",
    "SELECT lo_import('/etc/passwd')",
    "SELECT lo_export(lo_create(0), '/tmp/coppice-probe')",
    "CREATE ROLE mallory",
    "CREATE DATABASE mallory",
    "ALTER SYSTEM SET work_mem = '1GB'",
    "SET ROLE coppice_admin",
    "SET ROLE {owner}",
    "SET SESSION AUTHORIZATION coppice_admin",
    "CREATE FUNCTION f() RETURNS event_trigger LANGUAGE plpgsql AS 'BEGIN END';"
    "CREATE EVENT TRIGGER e ON ddl_command_start EXECUTE FUNCTION f()",
    "CREATE FUNCTION f() RETURNS int LANGUAGE c AS 'libc', 'getpid'",
    "SELECT pg_create_physical_replication_slot('mallory')",
    "CREATE SUBSCRIPTION s CONNECTION 'host=127.0.0.1' PUBLICATION p",
    "DROP DATABASE {database}",
    "ALTER DATABASE {database} SET search_path = public",
    "ALTER DATABASE {database} RENAME TO mallory",
    "ALTER DATABASE {database} ALLOW_CONNECTIONS false",
    "ALTER DATABASE {database} CONNECTION LIMIT 1000",
    "ALTER DATABASE {database} IS_TEMPLATE true",
    "ALTER DATABASE {database} OWNER TO CURRENT_USER",
    "COMMENT ON DATABASE {database} IS 'mallory'",
    "SELECT rolpassword FROM pg_authid",
    "SHOW data_directory",
    "SELECT * FROM pg_hba_file_rules",
    "SET temp_file_limit = -1",
    "ALTER ROLE CURRENT_USER CONNECTION LIMIT 1000",
    "ALTER ROLE CURRENT_USER VALID UNTIL 'infinity'",
    "ALTER ROLE CURRENT_USER CREATEDB",
    "GRANT pg_read_server_files TO CURRENT_USER",
    "GRANT {owner} TO CURRENT_USER",
    # In the comments stand fences, and what a job's login was given.
    "COMMENT ON ROLE {owner} IS NULL",
    "COMMENT ON ROLE {role} IS NULL",
    "SET ROLE none; COMMENT ON ROLE {role} IS NULL",
]


@pytest.mark.parametrize("attack", FORBIDDEN)
def test_a_tenant_is_refused(attack: str, either: Tenant) -> None:
    database = sql.Identifier(either.database.name)
    owner = sql.Identifier(either.database.owner_role)
    with either.session() as session, pytest.raises(errors.InsufficientPrivilege):
        session.execute(
            sql.SQL(attack).format(database=database, owner=owner, role=sql.Identifier(either.role))
        )


@pytest.mark.parametrize("place", ["postgres", "template1", "template0"])
def test_a_tenant_cannot_connect_to_shared_databases(place: str, either: Tenant) -> None:
    with pytest.raises(psycopg.OperationalError), either.session(database=place):
        pass


def test_a_tenant_cannot_connect_to_another_tenants_database(
    either: Tenant, new_provisioned: Callable[[], Tenant]
) -> None:
    neighbour = new_provisioned()

    with (
        pytest.raises(psycopg.OperationalError, match="permission denied for database"),
        either.session(database=neighbour.database.name),
    ):
        pass


def test_a_tenant_cannot_end_a_session_of_the_service(either: Tenant, superuser: Session) -> None:
    with either.session() as session, pytest.raises(errors.InsufficientPrivilege):
        session.execute("SELECT pg_terminate_backend(%s)", [superuser.info.backend_pid])


def test_a_tenant_cannot_let_another_in(
    either: Tenant, new_provisioned: Callable[[], Tenant], superuser: Session
) -> None:
    neighbour = new_provisioned()
    with either.session() as session:
        session.execute(  # PostgreSQL only warns
            sql.SQL("GRANT CONNECT ON DATABASE {} TO {}").format(
                sql.Identifier(either.database.name), sql.Identifier(neighbour.role)
            )
        )

    may = superuser.execute(
        "SELECT has_database_privilege(%s, %s, 'CONNECT')",
        [neighbour.role, either.database.name],
    ).fetchone()
    assert may == (False,)


def test_the_service_does_not_read_a_tenants_tables_by_accident(
    tenant: Tenant, superuser: Session
) -> None:
    tenant.run("CREATE TABLE secrets (a int)")

    query = "SELECT has_table_privilege('coppice_admin', 'secrets', 'SELECT')"

    assert tenant.value(query) is False


@pytest.mark.parametrize(("asked", "most"), [(None, USUAL), (3, 3), (70, 70)])
def test_an_application_gets_as_many_sessions_as_the_operator_says_and_a_job_as_many_beside_it(
    asked: int | None, most: int, tenant: Tenant, job: Tenant, tenant_server: PostgresServer
) -> None:
    tenant_server.limit_connections(replace(tenant.database, connections=asked))

    with ExitStack() as sessions:
        take_sessions(tenant, sessions, number=most)
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            sessions.enter_context(tenant.session())
        take_sessions(job, sessions, number=1 + OWN_OF_JOB)
    with ExitStack() as sessions:
        take_sessions(job, sessions, number=most + OWN_OF_JOB)
        with pytest.raises(psycopg.OperationalError, match="too many connections for role"):
            sessions.enter_context(job.session())


def take_sessions(tenant: Tenant, sessions: ExitStack, *, number: int) -> None:
    for _ in range(number):
        sessions.enter_context(tenant.session())


TRAPS = """
CREATE TABLE public.caught (who text);
GRANT ALL ON public.caught TO PUBLIC;
CREATE FUNCTION public.trap() RETURNS text LANGUAGE sql VOLATILE
  AS 'INSERT INTO public.caught VALUES (current_user) RETURNING who';
CREATE FUNCTION public.current_database() RETURNS name LANGUAGE sql AS 'SELECT public.trap()::name';
CREATE FUNCTION public.shobj_description(oid, text) RETURNS text LANGUAGE sql
  AS 'SELECT public.trap()';
CREATE FUNCTION public.pg_get_userbyid(oid) RETURNS name LANGUAGE sql
  AS 'SELECT public.trap()::name';
CREATE VIEW public.pg_database AS SELECT public.trap() AS datname, 0::oid AS oid;
CREATE VIEW public.pg_namespace AS SELECT public.trap() AS nspname, 0::oid AS nspowner;
CREATE VIEW public.pg_db_role_setting AS
  SELECT 0::oid AS setdatabase, 0::oid AS setrole, ARRAY[public.trap()] AS setconfig;
CREATE FUNCTION public.split_part(text, text, int) RETURNS text LANGUAGE sql
  AS 'SELECT public.trap()';
ALTER ROLE CURRENT_USER SET search_path = public, pg_catalog;
ALTER ROLE CURRENT_USER SET timezone = 'Pacific/Kiritimati';
ALTER ROLE CURRENT_USER SET datestyle = 'SQL, DMY';
ALTER ROLE CURRENT_USER SET bytea_output = 'escape';
ALTER ROLE CURRENT_USER SET client_min_messages = 'error';
"""


def test_the_service_steps_into_no_trap(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer
) -> None:
    job.run(TRAPS)

    tenant_server.close_job_login(tenant.database, job.role, password=tenant.password)
    later = job_request(tenant.database, name="later")
    tenant_server.open_job_login(tenant.database, later)
    tenant_server.close_job_login(tenant.database, later.role, password=tenant.password)
    tenant_server.provision(tenant.database, password=tenant.password)
    tenant_server.seal(tenant.database)
    tenant_server.unseal(tenant.database, password=tenant.password)
    tenant_server.sizes()

    assert tenant.value("SELECT count(*) FROM public.caught") == 0
    assert tenant.value("SHOW timezone") == "Pacific/Kiritimati"


ALLOWED = [
    "CREATE TABLE t (a int PRIMARY KEY); INSERT INTO t VALUES (1)",
    "DROP SCHEMA public CASCADE; CREATE SCHEMA public; CREATE TABLE public.t (a int)",
    "CREATE SCHEMA app; CREATE TYPE app.mood AS ENUM ('good'); CREATE TABLE app.t (m app.mood)",
    "CREATE EXTENSION citext; CREATE TABLE t (a citext)",
    "CREATE EXTENSION pg_trgm; CREATE EXTENSION hstore; CREATE EXTENSION btree_gist",
    "CREATE FUNCTION f() RETURNS int LANGUAGE sql AS 'SELECT 1'; SELECT f()",
    "CREATE MATERIALIZED VIEW v AS SELECT 1; REFRESH MATERIALIZED VIEW v",
    "DO $$ BEGIN CREATE TEMPORARY TABLE t (a int); END $$",
    "SELECT pg_advisory_lock(72707369)",
]


@pytest.mark.parametrize("work", ALLOWED)
def test_what_migrations_do_works(work: str, either: Tenant) -> None:
    either.run(work)

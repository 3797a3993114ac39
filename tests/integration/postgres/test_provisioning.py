"""Making a database, again and again, and what stands in the way."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from psycopg import errors, sql

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.identifiers import DatabaseName
from app.core.instances import AdminLogin
from app.core.output_advice import on_output
from app.postgres.passwords import new_password
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import Tenant, job_request

NewTenant = Callable[[], TenantDatabase]


def test_the_database_belongs_to_a_role_that_cannot_log_in(
    tenant: Tenant, superuser: Session
) -> None:
    row = superuser.execute(
        "SELECT rolname, rolcanlogin FROM pg_database JOIN pg_roles r ON r.oid = datdba"
        " WHERE datname = %s",
        [tenant.database.name],
    ).fetchone()

    assert row == (tenant.database.owner_role, False)


def test_the_login_finds_the_marker(tenant: Tenant) -> None:
    marker = tenant.value(
        "SELECT shobj_description(oid, 'pg_database') FROM pg_database"
        " WHERE datname = current_database()"
    )

    assert marker == tenant.database.marker


def test_the_server_keeps_a_verifier_and_no_password(tenant: Tenant, superuser: Session) -> None:
    row = superuser.execute(
        "SELECT rolpassword FROM pg_authid WHERE rolname = %s", [tenant.role]
    ).fetchone()

    assert row is not None
    assert row[0].startswith("SCRAM-SHA-256$4096:")


def test_provisioning_again_keeps_the_data(tenant: Tenant, tenant_server: PostgresServer) -> None:
    tenant.run("CREATE TABLE kept (a int)", "INSERT INTO kept VALUES (7)")

    tenant_server.provision(tenant.database, password=tenant.password)

    assert tenant.value("SELECT a FROM kept") == 7


def test_provisioning_again_works_without_the_schema_public(
    tenant: Tenant, tenant_server: PostgresServer
) -> None:
    tenant.run("DROP SCHEMA public CASCADE")

    tenant_server.provision(tenant.database, password=tenant.password)

    assert tenant.value("SELECT count(*) FROM pg_namespace WHERE nspname = 'public'") == 0


def test_a_foreign_database_of_the_same_name_is_never_taken_over(
    new_tenant: NewTenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    database = new_tenant()
    foreign = sql.Identifier(database.name)
    superuser.execute(sql.SQL("CREATE DATABASE {}").format(foreign))

    with pytest.raises(ProvisioningFailed, match="Naming conflict") as caught:
        tenant_server.provision(database, password=new_password())

    assert caught.value.code == "naming_conflict"
    superuser.execute(sql.SQL("DROP DATABASE {}").format(foreign))


def test_a_database_with_another_marker_is_neither_used_nor_dropped(
    tenant: Tenant, tenant_server: PostgresServer
) -> None:
    mistaken = replace(tenant.database, marker="another")

    for act in (tenant_server.drop, tenant_server.seal):
        with pytest.raises(ProvisioningFailed, match="another mark"):
            act(mistaken)
    with pytest.raises(ProvisioningFailed, match="another mark"):
        tenant_server.issue(mistaken, password=new_password())

    assert tenant.can_connect()


def test_a_half_dropped_database_is_made_anew(
    tenant: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    leave_half_dropped(superuser, tenant.database.name)

    tenant_server.provision(tenant.database, password=tenant.password)

    assert tenant.can_connect()


def test_a_half_dropped_database_can_be_dropped(
    tenant: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    leave_half_dropped(superuser, tenant.database.name)

    tenant_server.drop(tenant.database)

    assert tenant_server.database_names(prefix=tenant.database.name) == []


def leave_half_dropped(superuser: Session, name: DatabaseName) -> None:
    """As a server that crashes during DROP DATABASE does."""
    superuser.execute("UPDATE pg_database SET datconnlimit = -2 WHERE datname = %s", [name])


@pytest.mark.parametrize("turn", range(5))  # who overtakes whom, and where, differs
def test_threads_that_provision_the_same_database_all_succeed(
    new_tenant: NewTenant, tenant_server: PostgresServer, postgres_admin: AdminLogin, turn: int
) -> None:
    database, password = new_tenant(), new_password()

    with ThreadPoolExecutor(6) as threads:
        attempts = [
            threads.submit(tenant_server.provision, database, password=password) for _ in range(6)
        ]
        for attempt in attempts:
            attempt.result()

    tenant_server.check_marker(
        database,
        role=database.login_role,
        password=password,
        address=postgres_admin.address,
    )


def test_a_trusted_extension_belongs_to_the_login(
    new_tenant: NewTenant, tenant_server: PostgresServer, tenant: Tenant
) -> None:
    database = replace(tenant.database, extensions=("citext", "uuid-ossp-not-there"))
    with pytest.raises(ProvisioningFailed, match="does not have the extension uuid-ossp-not"):
        tenant_server.provision(database, password=tenant.password)

    owner = tenant.value(
        "SELECT pg_get_userbyid(extowner)::text FROM pg_extension WHERE extname = 'citext'"
    )
    assert owner == tenant.database.inner_owner


def test_an_extension_for_superusers_is_explained(
    tenant: Tenant, tenant_server: PostgresServer, superuser_in: Callable[[str], Session]
) -> None:
    database = replace(tenant.database, extensions=("pageinspect:tools",))

    with pytest.raises(ProvisioningFailed, match="extension pageinspect") as caught:
        tenant_server.provision(database, password=tenant.password)

    [statement] = re.findall("CREATE EXTENSION .*;", caught.value.advice)
    superuser_in(tenant.database.name).execute(statement)
    tenant_server.provision(database, password=tenant.password)
    assert extensions_of(tenant)["pageinspect"] == ("tools", "postgres")


def extensions_of(tenant: Tenant) -> dict[str, tuple[str, str]]:
    """Each extension with its schema and its owner."""
    with tenant.session() as session:
        rows = session.execute(
            "SELECT extname::text, nspname::text, pg_get_userbyid(extowner)::text"
            " FROM pg_extension JOIN pg_namespace ON pg_namespace.oid = extnamespace"
        ).fetchall()
    return {name: (schema, owner) for name, schema, owner in rows}


def test_extensions_bring_what_they_require_whatever_the_order(
    tenant: Tenant, tenant_server: PostgresServer
) -> None:
    asked = ("earthdistance", "vector:extensions", "cube:Odd schema", "moddatetime", "plpgsql")
    database = replace(tenant.database, extensions=asked)

    tenant_server.provision(database, password=tenant.password)
    tenant_server.provision(database, password=tenant.password)

    found = extensions_of(tenant)
    assert found.pop("plpgsql") == ("pg_catalog", "postgres")
    assert found == {
        "cube": ("Odd schema", tenant.database.inner_owner),
        "earthdistance": ("public", tenant.database.inner_owner),
        "moddatetime": ("public", tenant.database.inner_owner),
        "vector": ("extensions", tenant.database.inner_owner),
    }
    tenant.run("CREATE TABLE t (at extensions.vector(3), place earth DEFAULT ll_to_earth(52, 13))")


def test_what_an_extension_requires_goes_where_it_goes(
    tenant: Tenant, tenant_server: PostgresServer
) -> None:
    database = replace(tenant.database, extensions=("earthdistance:extensions",))

    tenant_server.provision(database, password=tenant.password)

    assert extensions_of(tenant)["cube"] == ("extensions", tenant.database.inner_owner)


def test_a_dump_that_comments_on_its_extensions_is_restored_by_a_job(
    tenant: Tenant, tenant_server: PostgresServer
) -> None:
    asked = ("vector:extensions", "earthdistance", "pg_trgm")
    tenant_server.provision(replace(tenant.database, extensions=asked), password=tenant.password)
    login = job_request(tenant.database)
    tenant_server.open_job_login(tenant.database, login)
    job = replace(tenant, role=login.role, password=login.password)

    for name in ("vector", "earthdistance", "cube", "pg_trgm", "hstore"):
        job.run(
            f"CREATE EXTENSION IF NOT EXISTS {name} WITH SCHEMA public",
            f"COMMENT ON EXTENSION {name} IS 'what pg_dump writes'",
        )
    with pytest.raises(errors.InsufficientPrivilege) as caught:
        job.run("COMMENT ON EXTENSION plpgsql IS 'what pg_dump wrote before version 11'")
    assert on_output(str(caught.value))


def test_an_extension_that_a_dba_made_is_enough(
    tenant: Tenant, tenant_server: PostgresServer, superuser_in: Callable[[str], Session]
) -> None:
    superuser_in(tenant.database.name).execute("CREATE EXTENSION pageinspect SCHEMA public")

    database = replace(tenant.database, extensions=("pageinspect",))
    tenant_server.provision(database, password=tenant.password)

    assert tenant.can_connect()


def test_on_our_own_cluster_an_assignment_gets_pgvector(
    tenant: Tenant, tenant_server: PostgresServer
) -> None:
    database = replace(tenant.database, extensions=("vector",))

    tenant_server.provision(database, password=tenant.password)

    tenant.run("CREATE EXTENSION IF NOT EXISTS vector", "CREATE TABLE t (a vector(3))")


def test_issuing_undoes_what_a_tenant_did_to_its_login(
    tenant: Tenant, tenant_server: PostgresServer
) -> None:
    tenant.run(
        "ALTER ROLE CURRENT_USER PASSWORD 'mine'",
        "ALTER ROLE CURRENT_USER SET work_mem = '1GB'",
        "ALTER ROLE CURRENT_USER SET default_transaction_read_only = on",
        f'ALTER ROLE CURRENT_USER IN DATABASE "{tenant.database.name}" SET statement_timeout = 1',
    )

    tenant_server.issue(tenant.database, password=tenant.password)

    assert tenant.value("SHOW work_mem") != "1GB"
    assert tenant.value("SHOW statement_timeout") == "0"
    assert tenant.value("SHOW temp_file_limit") == "2GB"
    tenant.run("CREATE TABLE writable (a int)")


def test_a_login_at_another_server_is_noticed(
    tenant: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    impostor = replace(tenant.database, marker="another")

    with pytest.raises(ProvisioningFailed, match="another database"):
        tenant_server.check_marker(
            impostor, role=tenant.role, password=tenant.password, address=tenant.admin.address
        )


def test_sizes_tell_of_tenants_databases(tenant: Tenant, tenant_server: PostgresServer) -> None:
    sizes = {size.name: size.size_bytes for size in tenant_server.sizes()}

    assert sizes[tenant.database.name] > 1_000_000
    assert "postgres" not in sizes

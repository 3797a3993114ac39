"""Settings that a migration keeps on its role: the harmless ones stay, for later jobs too."""

from functools import partial
from typing import Protocol

import pytest

from app.postgres.server import PostgresServer
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import Tenant, as_login, job_request

AS_ITSELF = "SET ROLE none"


class NewJob(Protocol):
    def __call__(self, name: str, lock_timeout: str = "") -> Tenant: ...


@pytest.fixture
def new_job(tenant: Tenant, tenant_server: PostgresServer) -> NewJob:
    """Makes a login for one more job on the database of `tenant`."""

    def new(name: str, lock_timeout: str = "") -> Tenant:
        request = job_request(tenant.database, name=name, lock_timeout=lock_timeout)
        tenant_server.open_job_login(tenant.database, request)
        return Tenant(
            admin=tenant.admin,
            database=tenant.database,
            role=request.role,
            password=request.password,
        )

    return new


def end(server: PostgresServer, tenant: Tenant, job: Tenant) -> tuple[str, ...]:
    """End a job; the names of the settings that were taken back."""
    return server.close_job_login(job.database, job.role, password=tenant.password).settings


def test_what_a_migration_sets_for_its_role_is_there_for_the_application_and_later_jobs(
    tenant: Tenant, tenant_server: PostgresServer, new_job: NewJob
) -> None:
    first, here = new_job("j1"), f'CURRENT_USER IN DATABASE "{tenant.database.name}"'
    first.run(
        "CREATE SCHEMA app",
        "CREATE TABLE app.orders (at timestamptz)",
        "ALTER ROLE CURRENT_USER SET search_path = app, public",
        f"ALTER ROLE {here} SET timezone = 'Asia/Tokyo'",
        "ALTER ROLE CURRENT_USER SET client_encoding TO 'utf8'",
        "ALTER ROLE CURRENT_USER SET default_transaction_isolation TO 'read committed'",
        as_login(tenant),
        "ALTER ROLE CURRENT_USER SET datestyle = 'SQL, DMY'",
    )

    assert end(tenant_server, tenant, first) == ()
    tenant_server.issue(tenant.database, password=tenant.password)

    for one in (tenant, new_job("j2")):
        assert one.value("SELECT count(*) FROM orders") == 0
        assert one.value("SHOW search_path") == "app, public"
        assert one.value("SHOW timezone") == "Asia/Tokyo"
        assert one.value("SHOW datestyle") == "SQL, DMY"


def test_what_is_not_harmless_is_taken_back_and_named(
    tenant: Tenant, tenant_server: PostgresServer, new_job: NewJob
) -> None:
    job = new_job("j1")
    job.run(
        "ALTER ROLE CURRENT_USER SET search_path = app",
        "ALTER ROLE CURRENT_USER SET work_mem = '1GB'",
        "ALTER ROLE CURRENT_USER SET local_preload_libraries = 'missing'",
        "ALTER ROLE CURRENT_USER SET client_encoding = 'SJIS'",
        f"ALTER ROLE CURRENT_USER SET default_text_search_config = '{'x' * 3000}'",
        f'ALTER ROLE CURRENT_USER IN DATABASE "{tenant.database.name}" SET statement_timeout = 1',
        AS_ITSELF + "; ALTER ROLE CURRENT_USER SET role = none",
    )

    taken = end(tenant_server, tenant, job)

    assert taken == (
        "client_encoding",
        "default_text_search_config",
        "local_preload_libraries",
        "role",
        "statement_timeout",
        "work_mem",
    )
    assert tenant.value("SHOW search_path") == "app"
    assert new_job("j2").value("SELECT current_user::text") == tenant.database.inner_owner
    assert end(tenant_server, tenant, job) == ()


def test_what_a_job_sets_for_its_own_login_moves_to_the_long_lived_one(
    tenant: Tenant, tenant_server: PostgresServer, new_job: NewJob
) -> None:
    tenant.run("ALTER ROLE CURRENT_USER SET intervalstyle = 'iso_8601'")
    job = new_job("j1")
    job.run("ALTER ROLE CURRENT_USER SET intervalstyle = 'sql_standard'")
    job.run(AS_ITSELF, "ALTER ROLE SESSION_USER SET search_path = app, public")

    assert end(tenant_server, tenant, job) == ()

    assert tenant.value("SHOW search_path") == "app, public"
    assert new_job("j2").value("SHOW intervalstyle") == "sql_standard"


def here(tenant: Tenant) -> str:
    """How a session that is out of the role it began with sets things for its own login alone."""
    return f'{AS_ITSELF}; ALTER ROLE SESSION_USER IN DATABASE "{tenant.database.name}"'


def test_what_a_job_sets_in_the_database_for_its_own_login_moves_too_and_nothing_it_was_given(
    tenant: Tenant, tenant_server: PostgresServer, new_job: NewJob
) -> None:
    tenant.run(
        """ALTER ROLE CURRENT_USER SET search_path = '"', "\\", "Ünï code", "a=b", "$user" """,
        "ALTER ROLE CURRENT_USER SET timezone = 'Asia/Tokyo'",
        "ALTER ROLE CURRENT_USER SET intervalstyle = 'iso_8601'",
    )
    job, other = new_job("j1", lock_timeout="30s"), new_job("j2")
    job.run(
        f"{here(job)} SET timezone = 'Europe/Berlin'",
        f"{here(job)} SET datestyle = 'SQL, DMY'",
        f"{here(job)} RESET intervalstyle",
    )
    other.run("ALTER ROLE CURRENT_USER SET search_path = app, public")

    assert end(tenant_server, tenant, other) == ()
    assert end(tenant_server, tenant, job) == ()

    for one in (tenant, new_job("j3")):
        assert one.value("SHOW search_path") == "app, public"
        assert one.value("SHOW timezone") == "Europe/Berlin"
        assert one.value("SHOW datestyle") == "SQL, DMY"
        assert one.value("SHOW intervalstyle") == "iso_8601"


def test_what_a_job_set_moves_once_though_its_end_is_tried_again(
    tenant: Tenant, tenant_server: PostgresServer, new_job: NewJob
) -> None:
    job = new_job("j1")
    job.run(f"{here(job)} SET search_path = early", "ALTER ROLE SESSION_USER SET work_mem = '9MB'")
    reclaim = partial(
        tenant_server.reclaim, tenant.database, password=tenant.password, job=job.role
    )

    assert reclaim().settings == ("work_mem",)
    assert tenant.value("SHOW search_path") == "early"
    tenant.run(f"{here(tenant)} SET search_path = late")

    assert reclaim().settings == ()
    assert tenant.value("SHOW search_path") == "late"


def test_what_is_not_harmless_in_the_database_is_named_too_with_what_a_job_changed_of_ours(
    tenant: Tenant, tenant_server: PostgresServer, new_job: NewJob
) -> None:
    job = new_job("j1", lock_timeout="30s")
    job.run(f"{here(job)} SET work_mem = '1GB'", f"{here(job)} SET lock_timeout = '31s'")
    job.run(f"{here(job)} SET role = none")

    assert end(tenant_server, tenant, job) == ("lock_timeout", "role", "work_mem")
    assert tenant.value("SELECT current_user::text") == tenant.role


def test_what_is_taken_back_is_named_though_an_earlier_value_of_its_name_stays(
    tenant: Tenant, tenant_server: PostgresServer, new_job: NewJob
) -> None:
    tenant.run("ALTER ROLE CURRENT_USER SET client_min_messages = 'warning'")
    tenant.run("ALTER ROLE CURRENT_USER SET search_path = app")
    job = new_job("j1")
    too_long = ", ".join(f'"s{number:04}"' for number in range(400))
    job.run(f"{here(job)} SET search_path = {too_long}")
    job.run(f"{here(job)} SET client_min_messages = 'debug5'")

    assert end(tenant_server, tenant, job) == ("client_min_messages", "search_path")
    assert tenant.value("SHOW search_path") == "app"
    assert tenant.value("SHOW client_min_messages") == "warning"


def test_a_login_that_is_renewed_has_what_it_was_given_last(
    tenant: Tenant, tenant_server: PostgresServer, new_job: NewJob
) -> None:
    tenant.run("ALTER ROLE CURRENT_USER SET search_path = app")
    new_job("j1", lock_timeout="30s").run(f"{here(tenant)} SET timezone = 'Asia/Tokyo'")
    tenant.run("ALTER ROLE CURRENT_USER SET search_path = later")

    renewed = new_job("j1")

    assert end(tenant_server, tenant, renewed) == ()
    assert tenant.value("SHOW search_path") == "later"
    assert tenant.value("SHOW timezone") != "Asia/Tokyo"


def test_of_a_login_that_an_earlier_version_made_all_in_the_database_is_taken_for_given(
    tenant: Tenant, tenant_server: PostgresServer, new_job: NewJob, superuser: Session
) -> None:
    job = new_job("j1", lock_timeout="30s")
    superuser.execute(f'COMMENT ON ROLE "{job.role}" IS NULL'.encode())
    job.run(f"{here(job)} SET search_path = app", f"{here(job)} SET work_mem = '1GB'")

    assert end(tenant_server, tenant, job) == ()
    assert tenant.value("SHOW search_path") == '"$user", public'


HOSTILE = [
    "app, public",
    "'app, public'",
    '"a""b", "with space", "$user"',
    "'', public",
    """"'; ALTER ROLE x; --", "back\\slash" """,
    '"Ünïcode", "CamelCase", "a,b"',
    '"%s", "{}", "a=b"',
    "''",
]


def test_every_search_path_comes_back_as_it_was(
    tenant: Tenant, tenant_server: PostgresServer, new_job: NewJob
) -> None:
    for at, value in enumerate(HOSTILE):
        tenant.run(f"ALTER ROLE CURRENT_USER SET search_path = {value}")
        before = tenant.value("SELECT current_setting('search_path')")
        schemas = tenant.value("SELECT string_to_array(current_setting('search_path'), ', ')")

        tenant_server.issue(tenant.database, password=tenant.password)
        job = new_job(f"j{at}")

        for one in (tenant, job):
            assert one.value("SELECT current_setting('search_path')") == before
            assert (
                one.value("SELECT string_to_array(current_setting('search_path'), ', ')") == schemas
            )


@pytest.mark.parametrize(
    ("given", "schema"),
    [("Ünicode, public", "Ünicode"), ("ÄB", "Äb"), ("\u00a0Odd, x", "\u00a0odd"), ("İX", "İx")],
)
def test_a_search_path_that_was_set_as_text_is_folded_as_postgresql_does(
    given: str, schema: str, tenant: Tenant, tenant_server: PostgresServer
) -> None:
    tenant.run(
        f'CREATE SCHEMA "{schema}"',
        f"SELECT set_config('search_path', '{given}', false);"
        " ALTER ROLE CURRENT_USER SET search_path FROM CURRENT",
    )
    assert tenant.value("SELECT current_schema()") == schema

    tenant_server.issue(tenant.database, password=tenant.password)

    assert tenant.value("SELECT current_schema()") == schema


def test_a_value_that_became_impossible_keeps_nobody_out(
    tenant: Tenant, tenant_server: PostgresServer, new_job: NewJob, superuser: Session
) -> None:
    tenant.run("ALTER ROLE CURRENT_USER SET timezone = 'Europe/Berlin'")
    tenant.run(f"{here(tenant)} SET search_path = app, public")
    superuser.execute(
        "UPDATE pg_db_role_setting SET setconfig = '{TimeZone=No/Where}'"
        " WHERE setrole = (SELECT oid FROM pg_roles WHERE rolname = %s) AND setdatabase = 0",
        [tenant.role],
    )

    job = new_job("j1")

    assert job.value("SELECT current_user::text") == tenant.database.inner_owner
    assert job.value("SHOW search_path") == "app, public"
    assert end(tenant_server, tenant, job) == ("TimeZone",)
    assert tenant.value("SHOW search_path") == "app, public"


def test_what_a_superuser_gave_the_login_stays_and_is_not_told_of(
    tenant: Tenant, tenant_server: PostgresServer, new_job: NewJob, superuser: Session
) -> None:
    superuser.execute(f'ALTER ROLE "{tenant.role}" SET log_min_duration_statement = 5000'.encode())

    assert end(tenant_server, tenant, new_job("j1")) == ()
    assert tenant.value("SHOW log_min_duration_statement") == "5s"


def test_a_database_that_is_made_anew_begins_without_settings(
    tenant: Tenant, tenant_server: PostgresServer
) -> None:
    tenant.run("ALTER ROLE CURRENT_USER SET search_path = app, public")
    tenant_server.clear(tenant.database)

    tenant_server.provision(tenant.database, password=tenant.password)

    assert tenant.value("SHOW search_path") == '"$user", public'

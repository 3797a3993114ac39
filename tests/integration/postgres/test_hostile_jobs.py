"""A job ends when the service says so, whatever it and other tenants have prepared."""

import select
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace

import psycopg
import pytest
from psycopg.pq import PGconn, PollingStatus

from app.core.connections import USUAL
from app.core.errors import ProvisioningFailed
from app.postgres.server import PostgresServer
from app.postgres.sessions import Login, Session, dsn
from tests.integration.postgres.conftest import Tenant, as_login

# A client may ask PostgreSQL to wait before its session begins: here longer than any test takes.
DRAWN_OUT = "-c post_auth_delay=600"


@contextmanager
def beginning(
    tenant: Tenant, superuser: Session, *, database: str | None = None
) -> Iterator[Callable[[], bool]]:
    """A session that has been let in and draws out its beginning; called, tells if it is there."""
    name = database or tenant.database.name
    login = Login(
        address=tenant.admin.address,
        user=tenant.role,
        password=tenant.password,
        database=name,
        options=DRAWN_OUT,
    )

    def is_there() -> bool:
        locks = superuser.execute(
            "SELECT FROM pg_locks WHERE classid = 'pg_database'::regclass"
            " AND objid = (SELECT oid FROM pg_database WHERE datname = %s)",
            [name],
        )
        return locks.rowcount > 0

    parameters = dsn(login).encode()
    connection = PGconn.connect_start(parameters)
    try:
        while not is_there():
            state = connection.connect_poll()
            assert state != PollingStatus.FAILED, connection.error_message
            if state == PollingStatus.OK:
                # Woken before its time: the server's processes signal each other, for example
                # when another test drops a database, and PostgreSQL's sleep ends with a signal.
                connection.finish()
                connection = PGconn.connect_start(parameters)
            select.select([connection.socket], [], [], 0.05)
        yield is_there
    finally:
        connection.finish()


def test_a_session_that_is_still_beginning_ends_with_its_job(
    job: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    with beginning(job, superuser) as is_there:
        tenant_server.close_job_login(job.database, job.role)

        assert not is_there()


def test_a_session_that_is_still_beginning_is_not_in_a_sealed_database(
    either: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    with beginning(either, superuser) as is_there:
        tenant_server.seal(either.database)

        assert not is_there()


def test_a_session_that_is_still_beginning_holds_up_no_drop(
    either: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    with beginning(either, superuser):
        tenant_server.drop(either.database)

    assert tenant_server.database_names(prefix=either.database.name) == []


@pytest.mark.parametrize(
    "setting",
    [
        "statement_timeout = 1",
        "transaction_timeout = 1",
        "client_encoding = 'EUC_TW'",
        "local_preload_libraries = 'missing'",
        "default_transaction_read_only = on",
        "search_path = ''",
    ],
)
def test_no_setting_that_a_job_made_keeps_it_from_ending(
    setting: str, tenant: Tenant, job: Tenant, tenant_server: PostgresServer
) -> None:
    job.run(as_login(tenant), f'ALTER ROLE "{tenant.role}" SET {setting}')
    tenant_server.close_job_login(job.database, job.role)

    tenant_server.reclaim(tenant.database, password=tenant.password)

    tenant.run("CREATE TABLE public.works (a int)")


def test_an_application_with_all_its_sessions_keeps_no_job_from_ending(
    tenant: Tenant, job: Tenant, server_of_any_language: PostgresServer
) -> None:
    with ExitStack() as sessions:
        application = [sessions.enter_context(tenant.session()) for _ in range(USUAL)]
        server_of_any_language.close_job_login(job.database, job.role)

        taken = server_of_any_language.reclaim(tenant.database, password=tenant.password)

        assert taken.is_over
        assert application[0].execute("SELECT 1").fetchone() == (1,)


def test_a_planted_password_cannot_be_defended_by_using_up_the_sessions(
    tenant: Tenant, job: Tenant, server_of_any_language: PostgresServer
) -> None:
    job.run(as_login(tenant), f"ALTER ROLE \"{tenant.role}\" PASSWORD 'planted'")
    thief = replace(tenant, password="planted")
    with ExitStack() as sessions:
        stolen = [sessions.enter_context(thief.session()) for _ in range(USUAL)]
        server_of_any_language.close_job_login(job.database, job.role)

        server_of_any_language.reclaim(tenant.database, password=tenant.password)

        for session in stolen:
            with pytest.raises(psycopg.OperationalError):
                session.execute("SELECT 1")
    assert tenant.can_connect()


def test_a_session_with_a_planted_password_that_is_still_beginning_is_ended(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    job.run(as_login(tenant), f"ALTER ROLE \"{tenant.role}\" PASSWORD 'planted'")
    tenant_server.close_job_login(job.database, job.role)
    with beginning(replace(tenant, password="planted"), superuser) as is_there:
        tenant_server.reclaim(tenant.database, password=tenant.password)

        assert not is_there()


@pytest.fixture
def neighbour(new_provisioned: Callable[[], Tenant]) -> Tenant:
    """Another tenant of the same server, who sees the names of all roles."""
    return new_provisioned()


def test_a_neighbours_grant_keeps_no_job_from_ending(
    tenant: Tenant, job: Tenant, neighbour: Tenant, tenant_server: PostgresServer
) -> None:
    neighbour.run("CREATE TABLE bait (a int)", f'GRANT SELECT ON bait TO "{job.role}"')
    job.run("SET ROLE none", "CREATE TABLE left_behind (a int)")
    with job.session() as session:
        tenant_server.close_job_login(job.database, job.role)

        with pytest.raises(psycopg.OperationalError):
            session.execute("SELECT 1")
    assert not job.can_connect()
    owner = tenant.value("SELECT tableowner FROM pg_tables WHERE tablename = 'left_behind'")
    assert owner == tenant.database.inner_owner
    neighbour.run("DROP TABLE bait")


def test_a_neighbours_grant_keeps_no_database_from_being_emptied(
    tenant: Tenant, neighbour: Tenant, tenant_server: PostgresServer
) -> None:
    roles = f'"{tenant.role}", "{tenant.database.owner_role}"'
    neighbour.run("CREATE TABLE bait (a int)", f"GRANT SELECT ON bait TO {roles}")
    tenant.run("CREATE TABLE old (a int)")

    tenant_server.clear(tenant.database)
    tenant_server.provision(tenant.database, password=tenant.password)

    assert tenant.value("SELECT count(*) FROM pg_tables WHERE tablename = 'old'") == 0
    neighbour.run("DROP TABLE bait")


def test_roles_that_a_neighbour_holds_on_to_are_dropped_as_soon_as_that_ends(
    tenant: Tenant, neighbour: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    neighbour.run("CREATE TABLE bait (a int)", f'GRANT SELECT ON bait TO "{tenant.role}"')
    with pytest.raises(ProvisioningFailed, match="refers to its roles"):
        tenant_server.drop(tenant.database)
    is_login = superuser.execute(
        "SELECT rolcanlogin FROM pg_roles WHERE rolname = %s", [tenant.role]
    ).fetchone()
    neighbour.run("DROP TABLE bait")

    tenant_server.drop(tenant.database)

    left = superuser.execute("SELECT FROM pg_roles WHERE rolname = %s", [tenant.role])
    assert is_login == (False,)
    assert left.rowcount == 0

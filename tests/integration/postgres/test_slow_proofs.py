"""Who begins to prove a password and takes his time is in after it was replaced, not for long.

PostgreSQL reads the password at the beginning of the proof, and looks at its end whether the role
may log in. A client has `authentication_timeout` for it: a minute.
"""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import pytest
from psycopg.pq import ConnStatus, ExecStatus, PGconn, PollingStatus, abc

from app.postgres.server import PostgresServer
from app.postgres.sessions import Login, Session, dsn
from tests.integration.postgres.conftest import Tenant, as_login


@pytest.fixture
def thief(tenant: Tenant, job: Tenant) -> Tenant:
    """Somebody who knows a password that the job gave the long-lived login."""
    job.run(as_login(tenant), f"ALTER ROLE \"{tenant.role}\" PASSWORD 'planted'")
    return replace(tenant, password="planted")


@contextmanager
def begun(tenant: Tenant) -> Iterator[abc.PGconn]:
    """A client that has begun its proof: the server's question lies unread."""
    login = Login(
        address=tenant.admin.address,
        user=tenant.role,
        password=tenant.password,
        database=tenant.database.name,
    )
    connection = PGconn.connect_start(dsn(login).encode())
    try:
        answers = 0
        while answers < 2:
            state = connection.connect_poll()
            assert state != PollingStatus.FAILED, connection.error_message
            is_writing = state == PollingStatus.WRITING
            wait = [connection.socket]
            select.select([] if is_writing else wait, wait if is_writing else [], [])
            answers += not is_writing
        yield connection
    finally:
        connection.finish()


def is_let_in(connection: abc.PGconn) -> bool:
    """Whether the proof, ended now, opens a session."""
    while (state := connection.connect_poll()) == PollingStatus.READING:
        select.select([connection.socket], [], [])
    return state == PollingStatus.OK


def is_inside(connection: abc.PGconn) -> bool:
    result = connection.exec_(b"SELECT 1")
    return result.status == ExecStatus.TUPLES_OK and connection.status == ConnStatus.OK


def let_the_time_pass(superuser: Session, tenant: Tenant, what: str) -> None:
    """As if the login had been let in, or shut, a minute and more before."""
    superuser.execute(f"COMMENT ON ROLE \"{tenant.role}\" IS 'coppice {what} 0'".encode())


def test_who_comes_in_late_with_a_planted_password_is_ended(
    tenant: Tenant, job: Tenant, thief: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    with begun(thief) as late:
        first = tenant_server.close_job_login(job.database, job.role, password=tenant.password)
        assert tenant.can_connect()
        assert is_let_in(late)
        with tenant.session() as application:
            again = tenant_server.close_job_login(job.database, job.role, password=tenant.password)

            assert not is_inside(late)
            assert application.execute("SELECT 1").fetchone() == (1,)
    assert (first.is_settled, again.is_settled) == (False, False)

    let_the_time_pass(superuser, tenant, "let in")
    last = tenant_server.close_job_login(job.database, job.role, password=tenant.password)

    assert last.is_settled
    assert tenant.can_connect()


def test_a_login_whose_password_is_planted_again_is_shut_until_nobody_can_come_late(
    tenant: Tenant, job: Tenant, thief: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    def close() -> bool:
        end = tenant_server.close_job_login(job.database, job.role, password=tenant.password)
        return end.is_settled

    with begun(thief) as late:
        close()
        assert is_let_in(late)
        late.exec_(f"ALTER ROLE \"{tenant.role}\" PASSWORD 'planted'".encode())
        with begun(thief) as later:
            is_settled = [close(), close()]

            assert not is_inside(late)
            assert not is_let_in(later)
    assert not tenant.can_connect()

    let_the_time_pass(superuser, tenant, "shut")
    is_settled.append(close())
    assert tenant.can_connect()
    let_the_time_pass(superuser, tenant, "let in")
    is_settled.append(close())

    assert is_settled == [False, False, False, True]
    assert not thief.can_connect()
    assert tenant.can_connect()

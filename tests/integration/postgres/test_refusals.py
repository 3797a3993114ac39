"""Why a real server lets a login not in, told apart by what it says in codes."""

import socket
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from psycopg import sql

from app.core.errors import CoppiceError, ServerUnreachable
from app.core.instances import Address, AdminLogin, SslMode
from app.postgres.failures import LoginInUse, LoginRefused
from app.postgres.refusals import is_password_taken
from app.postgres.server import PostgresServer
from app.postgres.sessions import Login, Session, admin_login, open_session
from pgwire import messages
from tests.integration.german import speaking_german
from tests.integration.postgres.conftest import Tenant
from tests.integration.tls import LOCALHOST, certificate, listening, terminating

CASES: list[tuple[str, str, type[CoppiceError], bool]] = [
    ("ALTER ROLE {login} NOLOGIN", "ALTER ROLE {login} LOGIN", LoginRefused, True),
    (
        "ALTER DATABASE {name} ALLOW_CONNECTIONS false",
        "ALTER DATABASE {name} ALLOW_CONNECTIONS true",
        LoginRefused,
        True,
    ),
    (
        "REVOKE CONNECT ON DATABASE {name} FROM {login}",
        "GRANT CONNECT ON DATABASE {name} TO {login}",
        LoginRefused,
        True,
    ),
    (
        "ALTER ROLE {login} CONNECTION LIMIT 0",
        "ALTER ROLE {login} CONNECTION LIMIT -1",
        LoginInUse,
        True,
    ),
    (
        "ALTER DATABASE {name} CONNECTION LIMIT 0",
        "ALTER DATABASE {name} CONNECTION LIMIT -1",
        LoginInUse,
        True,
    ),
    ("ALTER ROLE {login} PASSWORD 'another'", "SELECT", LoginRefused, False),
]


@pytest.fixture
def german(tenant: Tenant) -> Iterator[AdminLogin]:
    with speaking_german(tenant.admin.address) as address:
        yield replace(tenant.admin, address=address)


def test_what_was_refused_is_known_and_whether_the_password_was_taken(
    tenant: Tenant, german: AdminLogin, superuser: Session
) -> None:
    names = {"login": sql.Identifier(tenant.role), "name": sql.Identifier(tenant.database.name)}
    server, found = PostgresServer(german), []
    for change, back, _, _ in CASES:
        superuser.execute(sql.SQL(change).format(**names))
        with pytest.raises(CoppiceError) as caught:
            server.check_marker(
                tenant.database, role=tenant.role, password=tenant.password, address=german.address
            )
        superuser.execute(sql.SQL(back).format(**names))
        found.append((change, back, type(caught.value), is_password_taken(caught.value)))
        assert tenant.password not in repr(vars(caught.value.__cause__))
    server.close()

    assert found == CASES


def test_a_wrong_password_is_known_behind_tls_and_by_a_public_name(
    tenant: Tenant, tmp_path: Path
) -> None:
    context, pem = certificate(tmp_path, LOCALHOST)
    real = tenant.admin.address
    with listening(terminating(context, real.host, real.port)) as port:
        address = Address(
            host="localhost", port=port, sslmode=SslMode.VERIFY_FULL, ca_certificate=pem
        )
        with pytest.raises(LoginRefused, match="refuses this user"):
            open_session(replace(login_of(tenant), address=address, password="wrong"))


FULL = messages.frame(b"E", b"SFATAL\0VFATAL\0C53300\0Mvoll\0\0")
ROOM = messages.frame(b"R", bytes(4)) + messages.frame(b"Z", b"I")


@pytest.mark.parametrize("answers", [[FULL, ROOM, ROOM], [FULL, ROOM, FULL]])
def test_a_server_that_has_room_again_is_asked_once_more(
    postgres_admin: AdminLogin, answers: list[bytes]
) -> None:
    left = iter(answers)

    def answer(connection: socket.socket) -> None:
        connection.recv(10_000)
        connection.sendall(next(left))
        connection.recv(10_000)

    with listening(answer) as port:
        address = Address(host="127.0.0.1", port=port, sslmode=SslMode.DISABLE)
        login = admin_login(replace(postgres_admin, address=address))
        if answers[-1] is ROOM:
            open_session(login).close()
        else:
            with pytest.raises(ServerUnreachable):
                open_session(login)


def login_of(tenant: Tenant) -> Login:
    return Login(
        address=tenant.admin.address,
        user=tenant.role,
        password=tenant.password,
        database=tenant.database.name,
    )

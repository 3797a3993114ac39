"""What `instances test` finds on real servers and with real roles."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest
from psycopg import sql

from app.core.errors import ServerUnreachable
from app.core.identifiers import DatabaseName
from app.core.instances import AdminLogin, SslMode
from app.postgres.embedded.server import EmbeddedServer
from app.postgres.embedded.tenant_cluster import prepare_tenant_cluster
from app.postgres.failures import LoginRefused
from app.postgres.passwords import new_password
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session, admin_login, open_session
from tests.integration.postgres.conftest import NewAdmin


def codes(admin: AdminLogin) -> dict[str, bool]:
    server = PostgresServer(admin)
    return {finding.code: finding.is_fatal for finding in server.probe().findings}


@pytest.fixture(scope="module")
def fresh(postgres_directory: Path) -> Iterator[AdminLogin]:
    """A superuser's login to a server where nobody else makes databases."""
    server = EmbeddedServer(postgres_directory / f"fresh-{uuid4().hex}", settings={"fsync": "off"})
    yield server.start()
    server.destroy()


def test_a_fresh_server_lets_every_login_in_until_it_is_prepared(fresh: AdminLogin) -> None:
    before = PostgresServer(fresh).probe()

    admin = prepare_tenant_cluster(fresh)

    assert [(f.code, f.is_fatal) for f in before.findings] == [
        ("superuser", False),
        ("public_connect", False),
    ]
    assert "postgres, template1" in before.findings[1].message
    assert PostgresServer(admin).probe().findings == ()
    assert before.version == PostgresServer(admin).probe().version


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("NOCREATEDB NOCREATEROLE", {"createdb", "createrole"}),
        ("CREATEDB NOCREATEROLE", {"createrole"}),
        ("NOCREATEDB CREATEROLE", {"createdb"}),
        ("CREATEDB CREATEROLE", set()),
    ],
)
def test_what_is_fatal_depends_on_the_role(
    new_admin: NewAdmin, attributes: str, expected: set[str]
) -> None:
    found = codes(new_admin(attributes))

    assert {code for code, is_fatal in found.items() if is_fatal} == expected
    assert {"signal_backend", "temp_file_limit", "reserved_connections"} <= found.keys()


def test_an_unencrypted_connection_is_noticed(postgres_admin: AdminLogin) -> None:
    address = replace(postgres_admin.address, sslmode=SslMode.PREFER)

    assert codes(replace(postgres_admin, address=address))["tls"] is False


def test_a_server_without_encryption_is_known_however_it_was_reached(
    postgres_admin: AdminLogin,
) -> None:
    assert PostgresServer(postgres_admin).probe().has_tls is False


def test_a_database_without_an_encoding_is_understood(
    superuser: Session, postgres_admin: AdminLogin
) -> None:
    name = sql.Identifier(f"ascii_{uuid4().hex}")
    superuser.execute(
        sql.SQL("CREATE DATABASE {} TEMPLATE template0 ENCODING 'SQL_ASCII' LOCALE 'C'").format(
            name
        )
    )

    found = codes(
        replace(postgres_admin, maintenance_database=DatabaseName(name.as_string()[1:-1]))
    )

    assert found == codes(postgres_admin)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"password": "wrong"}, "refuses this user or its password"),
        ({"user": "nobody-here"}, "refuses this user or its password"),
        ({"maintenance_database": "nowhere"}, "has no database of this name"),
    ],
)
def test_a_wrong_login_is_told_from_a_server_that_is_away(
    postgres_admin: AdminLogin, change: dict[str, str], words: str
) -> None:
    with pytest.raises(LoginRefused, match=words) as caught:
        codes(replace(postgres_admin, **change))  # type: ignore[arg-type]

    assert postgres_admin.password not in repr(vars(caught.value.__cause__))


def test_demanded_encryption_that_is_missing_is_named(postgres_admin: AdminLogin) -> None:
    address = replace(postgres_admin.address, sslmode=SslMode.REQUIRE)

    with pytest.raises(LoginRefused, match="encrypted connection"):
        codes(replace(postgres_admin, address=address))


@pytest.mark.parametrize("change", [{"port": 1}, {"host": "nowhere.invalid"}])
def test_a_server_that_is_away_is_worth_another_try(
    postgres_admin: AdminLogin, change: dict[str, object]
) -> None:
    address = replace(postgres_admin.address, **change)  # type: ignore[arg-type]

    with pytest.raises(ServerUnreachable):
        codes(replace(postgres_admin, address=address))


def test_a_server_is_known_again_where_the_role_may_read_its_number(fresh: AdminLogin) -> None:
    password = new_password()
    role = replace(fresh, user="known_again", password=password)
    with open_session(admin_login(fresh)) as session:
        session.execute(
            sql.SQL("CREATE ROLE known_again LOGIN CREATEDB CREATEROLE PASSWORD {}").format(
                sql.Literal(password)
            )
        )
        session.execute("GRANT CONNECT ON DATABASE postgres TO known_again")
        both = [PostgresServer(login).probe().system_identifier for login in (fresh, role)]
        session.execute("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
        without = PostgresServer(role).probe()

    assert both[0] is not None
    assert both[0] == both[1]
    assert without.system_identifier is None
    assert without.is_usable


def test_advice_to_close_databases_leaves_the_service_its_way_in(
    postgres_directory: Path,
) -> None:
    server = EmbeddedServer(postgres_directory / f"open-{uuid4().hex}", settings={"fsync": "off"})
    superuser, password = server.start(), new_password()
    name = 'odd "name"'
    role = replace(superuser, user=name, password=password)
    with open_session(admin_login(superuser)) as session:
        session.execute(
            sql.SQL("CREATE ROLE {} LOGIN CREATEDB CREATEROLE PASSWORD {}").format(
                sql.Identifier(name), sql.Literal(password)
            )
        )
        [before] = [one for one in PostgresServer(role).probe().findings if "PUBLIC" in one.advice]
        for statement in re.findall(r"(?:GRANT|REVOKE) CONNECT ON [^;]+;", before.advice):
            session.execute(statement)
            assert PostgresServer(role).probe().is_usable

    found = codes(role)

    server.destroy()
    assert before.code == "public_connect"
    assert "public_connect" not in found


def test_a_standby_is_of_no_use(postgres_directory: Path) -> None:
    server = EmbeddedServer(
        postgres_directory / f"standby-{uuid4().hex}", settings={"fsync": "off"}
    )
    server.start()
    server.stop()
    data = (server.directory / "cluster").resolve() / "data"
    (data / "standby.signal").touch()

    found = codes(server.start())

    server.destroy()
    assert found["standby"] is True

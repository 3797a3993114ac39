"""What `instances test` finds on real servers and with real roles."""

import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from app.core.advised_sql import pieces
from app.core.errors import ServerUnreachable
from app.core.identifiers import DatabaseName
from app.core.instances import AdminLogin, SslMode
from app.postgres.embedded.server import EmbeddedServer
from app.postgres.embedded.tenant_cluster import prepare_tenant_cluster
from app.postgres.failures import LoginRefused
from app.postgres.passwords import new_password
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session, admin_login, open_session, target
from pgwire import client
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
    after = PostgresServer(admin).probe()
    assert after.findings == ()
    assert before.version == after.version
    assert [name for name in after.lacks if available(fresh, name)] == []


def available(admin: AdminLogin, name: str) -> bool:
    """Whether a database there can have it."""
    statements = {
        "ICU collations": "CREATE COLLATION pg_temp.c (provider = icu, locale = 'de')",
        "TLS": "LOAD 'sslinfo'",
    }
    try:
        with open_session(admin_login(admin)) as session, session.transaction(force_rollback=True):
            session.execute(statements.get(name, f'CREATE EXTENSION "{name}" CASCADE').encode())
    except psycopg.Error:
        return False
    return True


@pytest.mark.parametrize(
    ("attributes", "expected"),
    [
        ("NOCREATEDB NOCREATEROLE", {"createdb", "createrole"}),
        ("CREATEDB NOCREATEROLE", {"createrole"}),
        ("NOCREATEDB CREATEROLE", {"createdb"}),
        ("CREATEDB CREATEROLE", set()),
        ("CREATEDB CREATEROLE CONNECTION LIMIT 2", {"connection_limit"}),
        ("CREATEDB CREATEROLE CONNECTION LIMIT 3", set()),
    ],
)
def test_what_is_fatal_depends_on_the_role(
    new_admin: NewAdmin, attributes: str, expected: set[str]
) -> None:
    found = codes(new_admin(attributes))

    assert {code for code, is_fatal in found.items() if is_fatal} == expected
    assert {"signal_backend", "temp_file_limit", "reserved_connections"} <= found.keys()


def test_a_role_that_begins_read_only_is_told_so_and_not_of_rights(
    new_admin: NewAdmin, superuser: Session
) -> None:
    admin = new_admin("CREATEDB CREATEROLE")
    superuser.execute(f'ALTER ROLE "{admin.user}" SET default_transaction_read_only = on'.encode())

    found = {one.code: one for one in PostgresServer(admin).probe().findings}

    assert found["read_only"].is_fatal
    [statements] = [one.text for one in pieces(found["read_only"].advice) if one.is_sql]
    superuser.execute(statements.encode())
    assert "read_only" not in codes(admin)


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
    admin_of_any_language: AdminLogin, change: dict[str, str], words: str
) -> None:
    with pytest.raises(LoginRefused, match=words) as caught:
        codes(replace(admin_of_any_language, **change))  # type: ignore[arg-type]

    assert admin_of_any_language.password not in repr(vars(caught.value.__cause__))


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


RULES = """
host all by_md5 all md5
host all by_password all password
host all by_rule all reject
"""


def test_passwords_that_a_server_asks_for_in_other_ways_are_given_as_libpq_gives_them(
    fresh: AdminLogin,
) -> None:
    with open_session(admin_login(fresh)) as session:
        [(file,)] = session.execute("SHOW hba_file").fetchall()
        rules = Path(file)
        rules.write_text(RULES + rules.read_text())
        session.execute("SELECT pg_reload_conf()")
        session.execute("SET md5_password_warnings = off; SET password_encryption = md5")
        for name in ("by_md5", "by_password", "by_rule"):
            session.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'right'".encode())
            session.execute(f"GRANT CONNECT ON DATABASE postgres TO {name}".encode())
        told = {
            (name, password): told_to(replace(fresh, user=name, password=password))
            for name in ("by_md5", "by_password", "by_rule")
            for password in ("right", "wrong")
        }

    assert told == {
        ("by_md5", "right"): "",
        ("by_md5", "wrong"): "28P01",
        ("by_password", "right"): "",
        ("by_password", "wrong"): "28P01",
        ("by_rule", "right"): "28000",
        ("by_rule", "wrong"): "28000",
    }


def told_to(admin: AdminLogin) -> str:
    """The SQLSTATE of a refusal, known without psycopg; empty when it may come in."""
    try:
        open_session(admin_login(admin)).close()
    except LoginRefused as error:
        return str(getattr(error.__cause__, "sqlstate", None))
    with client.session(target(admin_login(admin))):
        return ""

"""SQL that people are told to paste is pasted here, where it is printed for, and mends that."""

import re
from collections.abc import Collection, Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path
from uuid import uuid4

import pytest
from procrastinate.schema import SchemaManager
from psycopg import conninfo, errors, sql

from action.ownership import ADVICE
from app.core.advised_sql import pieces
from app.core.errors import ProvisioningFailed
from app.core.identifiers import DatabaseName
from app.core.instances import AdminLogin
from app.postgres.embedded.server import EmbeddedServer
from app.postgres.failures import OutOfConnections
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session, admin_login, connect, open_session
from app.store.access import StateDatabase
from app.store.connection import StateUnusable, open_pool
from app.store.preparation import prepare
from app.store.vault import Vault, new_key
from tests.integration.postgres.conftest import NewAdmin, Tenant, job_request
from tests.unit.test_printed_commands import SOURCES, TEXTS, written_in

# --- what is printed -----------------------------------------------------------------------------

# A new statement gets a place in a test: the one that stages what it is printed for.
ON_A_SERVER = {
    "ALTER ROLE X CONNECTION LIMIT -1;",
    "ALTER ROLE X CREATEDB;",
    "ALTER ROLE X CREATEROLE;",
    "ALTER ROLE X IN DATABASE X RESET default_transaction_read_only;",
    "ALTER ROLE X SET default_transaction_read_only = off;",
    "ALTER ROLE X VALID UNTIL 'infinity';",
    "ALTER SYSTEM SET X = X;",
    "ALTER SYSTEM SET reserved_connections = 5;",
    "BEGIN READ WRITE;",
    "COMMIT;",
    "CREATE ROLE coppice_admin LOGIN CREATEDB CREATEROLE PASSWORD 'a long one of your own';",
    "GRANT CONNECT ON DATABASE X TO X;",
    "GRANT CONNECT ON DATABASE X TO coppice_admin;",
    "GRANT SET ON PARAMETER temp_file_limit TO X;",
    "GRANT pg_signal_backend TO X;",
    "GRANT pg_use_reserved_connections TO X;",
    "REVOKE CONNECT ON DATABASE X FROM PUBLIC;",
}
AFTER_A_JOB = {
    "BEGIN;",
    "REASSIGN OWNED BY X TO X;",
    "DROP OWNED BY X;",
    "COMMIT;",
}
OF_A_NAME = {'ALTER ROLE "X" RENAME TO "X-before";'}
OF_A_MARK = {'COMMENT ON DATABASE "X" IS NULL;'}
OF_A_LIMIT = {"ALTER ROLE X CONNECTION LIMIT -1;"}
OF_THE_STATE = {"ALTER DATABASE {database} OWNER TO {role};"}
IN_DOCUMENTS = {
    "CREATE ROLE coppice LOGIN CREATEDB CREATEROLE PASSWORD 'a long one of your own';",
    "CREATE ROLE coppice LOGIN CREATEDB CREATEROLE PASSWORD '...';",
    "ALTER TABLE orders OWNER TO CURRENT_USER;",
    "CREATE SCHEMA app AUTHORIZATION CURRENT_USER;",
    "ALTER DEFAULT PRIVILEGES FOR ROLE CURRENT_USER REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;",
    "ALTER ROLE CURRENT_USER SET search_path = app, public;",
    # Of a migration: see unit/trace/test_places.
    "-- coppice: ok the table is archived, nobody reads it",
    "ALTER TABLE old_orders ALTER COLUMN id TYPE bigint;",
}
# Statements that a sentence names, without the names of anything: none is to be pasted.
NAMED = {
    "ALTER DATABASE",
    "ALTER DEFAULT PRIVILEGES FOR ROLE CURRENT_USER",
    "ALTER DOMAIN",
    "ALTER INDEX",
    "ALTER ROLE",
    "ALTER ROLE CURRENT_USER SET",
    "ALTER TABLE",
    "ALTER TABLE ONLY",
    "COMMENT ON EXTENSION",
    "CREATE INDEX",
    "CREATE INDEX CONCURRENTLY",
    "CREATE INDEX IF NOT EXISTS",
    "CREATE SCHEMA",
    "CREATE TABLE",
    "CREATE UNIQUE INDEX CONCURRENTLY",
    "DROP CONSTRAINT",
    "DROP INDEX CONCURRENTLY",
    "VACUUM FULL",
}
_NAMED = re.compile(
    r"(?<![A-Z_])(?:(?:ALTER|CREATE|DROP|REASSIGN|COMMENT ON|REINDEX|VACUUM)(?: [A-Z_]{2,})+"
    r"|(?:GRANT|REVOKE) [a-z]\w+|pg_reload_conf|pg_terminate_backend)"
)
_IS_PROSE = re.compile(r"\b[a-z]+,? [a-z]+,? [a-z]+\b")
_SQL_BLOCK = re.compile(r"```sql\n(.*?)```", re.DOTALL)


@cache
def printed() -> frozenset[str]:
    """Statements that the texts of the code have, with X or {a name} where a value comes in."""
    texts = [text for path in SOURCES for text in written_in(path)]
    return frozenset(line for text in texts for line in sql_of(text))


def sql_of(advice: str) -> list[str]:
    return [line for one in pieces(advice) if one.is_sql for line in one.text.splitlines()]


def paste(session: Session, advice: str) -> list[str]:
    """Run each piece in one go, as a tool does that sends what was pasted; returns statements."""
    for one in pieces(advice):
        if one.is_sql:
            session.execute(one.text.encode())
    return sql_of(advice)


def kinds(statements: Collection[str]) -> set[str]:
    """What is printed that these were made from."""
    patterns = {one: re.sub(r"\\\{\w+\\\}|\bX\b", ".+", re.escape(one)) for one in printed()}
    return {
        one
        for one, pattern in patterns.items()
        if any(re.fullmatch(pattern, each) for each in statements)
    }


def test_each_statement_that_is_printed_is_run_by_a_test() -> None:
    tested = ON_A_SERVER | AFTER_A_JOB | OF_A_NAME | OF_A_MARK | OF_A_LIMIT | OF_THE_STATE

    assert printed() == tested


def test_each_statement_of_the_documents_is_run_by_a_test() -> None:
    assert {line for block in of_documents("") for line in block.splitlines()} == IN_DOCUMENTS


def test_no_sentence_names_a_statement_that_is_to_be_pasted_and_cannot_be() -> None:
    texts = [text for path in SOURCES for text in written_in(path) if _IS_PROSE.search(text)]
    words = ["".join(one.text for one in pieces(text) if not one.is_sql) for text in texts]

    assert {name for text in words for name in _NAMED.findall(text)} == NAMED


# --- of servers ----------------------------------------------------------------------------------


@pytest.fixture
def own(postgres_directory: Path) -> Iterator[EmbeddedServer]:
    """A server that nobody else sees, as PostgreSQL makes it."""
    folder = postgres_directory / f"printed-{uuid4().hex}"
    server = EmbeddedServer(folder, settings={"fsync": "off"})
    yield server
    server.destroy()


LACKS = (
    "ALTER ROLE coppice_admin NOCREATEDB NOCREATEROLE CONNECTION LIMIT 2 VALID UNTIL '2099-01-01'",
    "GRANT CONNECT ON DATABASE postgres, template1 TO PUBLIC",
    "ALTER SYSTEM SET max_connections = 30",
    "ALTER SYSTEM SET max_prepared_transactions = 5",
)
READ_ONLY = (
    "ALTER SYSTEM SET default_transaction_read_only = on",
    "ALTER DATABASE postgres SET default_transaction_read_only = on",
    "ALTER ROLE coppice_admin SET default_transaction_read_only = on",
    "ALTER ROLE coppice_admin IN DATABASE postgres SET default_transaction_read_only = on",
    "SELECT pg_reload_conf()",
)


def test_who_pastes_all_that_is_found_on_a_server_has_one_of_which_nothing_is_to_be_said(
    own: EmbeddedServer,
) -> None:
    superuser, pasted = own.start(), []
    with connect(admin_login(superuser)) as session:
        for number, block in enumerate(of_documents("CREATE ROLE coppice ")):
            name = f"documented_{number}"
            session.execute(block.replace(" coppice ", f" {name} ").encode())
            [password] = re.findall(r"'(.*)'", block)
            documented = PostgresServer(replace(superuser, user=name, password=password))
            assert documented.probe().is_usable
        found = PostgresServer(superuser).probe().findings
        pasted += [line for one in found for line in paste(session, one.advice)]
        for lack in LACKS:
            session.execute(lack.encode())
    restart(own)
    role = replace(superuser, user="coppice_admin", password="a long one of your own")
    lacking = PostgresServer(role).probe().findings
    with connect(admin_login(superuser)) as session:
        pasted += [line for one in lacking for line in paste(session, one.advice)]
    restart(own)
    good = PostgresServer(role).probe()
    with connect(admin_login(superuser)) as session:
        for change in READ_ONLY:
            session.execute(change.encode())
    [read_only] = PostgresServer(role).probe().findings
    with connect(admin_login(superuser)) as session:
        pasted += paste(session, read_only.advice)

    assert {one.code for one in found} == {"superuser", "public_connect"}
    assert {one.code for one in lacking} == {
        *("createdb", "createrole", "connection_limit", "expires", "public_connect"),
        *("signal_backend", "temp_file_limit", "reserved_connections"),
        *("max_connections", "prepared_transactions"),
    }
    assert good.findings == ()
    assert all(step.finding is None for step in PostgresServer(role).try_out())
    assert read_only.code == "read_only"
    assert PostgresServer(role).probe().findings == ()
    assert kinds(pasted) == ON_A_SERVER


def of_documents(word: str) -> list[str]:
    """Blocks of SQL that have the word."""
    texts = [path.read_text() for path in TEXTS]
    return [block for text in texts for block in _SQL_BLOCK.findall(text) if word in block]


def restart(server: EmbeddedServer) -> None:
    server.stop()
    server.start()


# --- of roles and databases ----------------------------------------------------------------------


def test_what_a_job_left_is_handed_over_by_hand(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer, postgres_superuser: AdminLogin
) -> None:
    job.run(
        "SET ROLE none",
        "CREATE TABLE left_behind AS SELECT 7 AS a",
        "GRANT SELECT ON left_behind TO PUBLIC",
        "ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO PUBLIC",
    )
    with tenant.session() as holder, holder.transaction():
        holder.execute("SELECT FROM left_behind")
        tenant_server.close_job_login(job.database, job.role, password=tenant.password)
    name = tenant.database.name
    [advice] = left_behind(tenant_server, name)

    with connect(admin_login(postgres_superuser, database=name)) as session:
        ours = advice[advice.index(f" In {name}: ") :].split(" In ")[1]
        pasted = paste(session, ours)

    assert left_behind(tenant_server, name) == []
    assert tenant.value("SELECT tableowner FROM pg_tables WHERE tablename = 'left_behind'") == (
        tenant.role
    )
    assert tenant.value("SELECT a FROM left_behind") == 7
    assert kinds(pasted) == AFTER_A_JOB


def left_behind(server: PostgresServer, name: DatabaseName) -> list[str]:
    findings = server.probe().findings
    return [one.advice for one in findings if one.code == "left_behind" and name in one.message]


def test_a_role_whose_name_a_job_needs_is_renamed(
    tenant: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    request = job_request(tenant.database)
    superuser.execute(sql.SQL("CREATE ROLE {}").format(sql.Identifier(request.role)))
    with pytest.raises(ProvisioningFailed) as caught:
        tenant_server.open_job_login(tenant.database, request)

    pasted = paste(superuser, caught.value.advice)

    tenant_server.open_job_login(tenant.database, request)
    assert kinds(pasted) == OF_A_NAME
    superuser.execute(sql.SQL("DROP ROLE {}").format(sql.Identifier(f"{request.role}-before")))


def test_a_mark_that_somebody_changed_is_taken_away_and_set_again(
    tenant: Tenant, tenant_server: PostgresServer, postgres_admin: AdminLogin, superuser: Session
) -> None:
    name = tenant.database.name
    superuser.execute(sql.SQL("COMMENT ON DATABASE {} IS 'x'").format(sql.Identifier(name)))
    with pytest.raises(ProvisioningFailed, match="carries another mark") as caught:
        tenant_server.provision(tenant.database, password=tenant.password)

    with connect(admin_login(postgres_admin)) as session:
        pasted = paste(session, caught.value.advice)

    tenant_server.provision(tenant.database, password=tenant.password)
    assert tenant.can_connect()
    assert kinds(pasted) == OF_A_MARK


def test_a_role_that_has_all_its_sessions_gets_more(
    new_admin: NewAdmin, superuser: Session
) -> None:
    login = admin_login(new_admin("CONNECTION LIMIT 0"))
    with pytest.raises(OutOfConnections) as caught:
        open_session(login)

    pasted = paste(superuser, caught.value.advice)

    open_session(login).close()
    assert kinds(pasted) == OF_A_LIMIT


def test_a_state_database_is_given_to_its_user_and_taken_from_everybody(
    new_admin: NewAdmin, superuser: Session
) -> None:
    new_admin("NOCREATEDB")  # for whom it is closed
    admin, name = new_admin("NOCREATEDB"), f"state_{uuid4().hex}"
    superuser.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    dsn = conninfo.make_conninfo(
        host=admin.address.host,
        port=admin.address.port,
        user=admin.user,
        password=admin.password,
        dbname=name,
    )
    try:
        with pytest.raises(StateUnusable) as caught:
            prepare(dsn, Vault([new_key()]), queue_schema=SchemaManager.get_schema())
        pasted = paste(superuser, caught.value.advice)
        prepare(dsn, Vault([new_key()]), queue_schema=SchemaManager.get_schema())
        with open_pool(dsn) as pool, connect(admin_login(admin, database=DatabaseName(name))) as it:
            state = StateDatabase(pool)
            before = state.access()
            paste(it, before.closing)

            assert before.is_open
            assert not state.access().is_open
        assert kinds(pasted) == OF_THE_STATE
    finally:
        superuser.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


# --- of what people write themselves -------------------------------------------------------------


def test_what_the_documents_say_of_the_owner_goes_in_a_migration(job: Tenant) -> None:
    [block] = of_documents("CURRENT_USER")
    job.run("CREATE TABLE orders (a int)", *block.splitlines())
    said = [one for one in re.findall(r"`([^`]+)`", ADVICE) if "CURRENT_USER " in f"{one} "]
    job.run("CREATE TABLE t (a int)")
    for text in said:
        if text != "CURRENT_USER":
            job.run(filled_in(text))

    assert len(said) == 5


def filled_in(text: str) -> str:
    given = {
        "FOR ROLE CURRENT_USER ...": "FOR ROLE CURRENT_USER GRANT SELECT ON TABLES TO PUBLIC",
        "SET ...": "SET search_path = public",
    }
    for gap, value in given.items():
        text = text.replace(gap, value)
    return text


def test_an_index_and_a_constraint_that_were_left_are_mended_as_said(tenant: Tenant) -> None:
    invalid = "SELECT count(*) FROM pg_index WHERE NOT indisvalid"
    tenant.run("CREATE TABLE t AS SELECT 1 AS a FROM generate_series(1, 2)")
    with pytest.raises(errors.UniqueViolation):
        tenant.run("CREATE UNIQUE INDEX CONCURRENTLY i ON t (a)")
    tenant.run("CREATE INDEX IF NOT EXISTS i ON t (a)")
    assert tenant.value(invalid) == 1

    tenant.run("DROP INDEX CONCURRENTLY i", "CREATE INDEX CONCURRENTLY i ON t (a)")
    tenant.run("ALTER TABLE t ADD CONSTRAINT c CHECK (a > 0) NOT VALID")
    tenant.run("ALTER TABLE t VALIDATE CONSTRAINT c")

    assert tenant.value(invalid) == 0
    assert tenant.value("SELECT convalidated FROM pg_constraint WHERE conname = 'c'") is True

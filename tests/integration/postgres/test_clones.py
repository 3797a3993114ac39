"""Databases that are cloned from a sealed template: its rows, and nothing of its roles."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import psycopg
import pytest
from psycopg import errors

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed, TransientError
from app.core.identifiers import RoleName
from app.core.instances import AdminLogin
from app.postgres import cloning
from app.postgres.passwords import new_password
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import NewAdmin, NewClone, NewTemplate, made
from tests.integration.postgres.test_data_roles import (
    REFUSED,
    attack_all,
    filled_in,
    state_of,
)

# A bit of all that a migration and a seed may make; `{name}` is the database.
MIGRATION = """
CREATE EXTENSION citext;
CREATE TYPE mood AS ENUM ('glad', 'sad');
CREATE TABLE account (
  id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, email citext, mood mood,
  shout text GENERATED ALWAYS AS (upper(email::text)) STORED
);
CREATE TABLE item (id serial PRIMARY KEY, account bigint REFERENCES account);
CREATE SEQUENCE counter;
CREATE SCHEMA more;
CREATE TABLE more.event (at date, what text) PARTITION BY RANGE (at);
CREATE TABLE more.event_2026 PARTITION OF more.event FOR VALUES FROM ('2026-01-01') TO (MAXVALUE);
CREATE FUNCTION count_items() RETURNS bigint LANGUAGE sql AS 'SELECT count(*) FROM public.item';
CREATE MATERIALIZED VIEW total AS SELECT count(*) AS n FROM account;
ALTER TABLE account ENABLE ROW LEVEL SECURITY;
CREATE POLICY of_those ON account TO CURRENT_USER, SESSION_USER USING (true);
GRANT SELECT ON item TO SESSION_USER;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO SESSION_USER;
SELECT lo_from_bytea(4711, 'large');
ALTER ROLE CURRENT_USER IN DATABASE "{name}" SET search_path = more, public;
ALTER ROLE CURRENT_USER IN DATABASE "{name}" SET work_mem = '9MB';
INSERT INTO account (email, mood) SELECT 'x' || n, 'glad' FROM generate_series(1, 100) AS n;
INSERT INTO item (account) VALUES (1), (2);
INSERT INTO more.event VALUES ('2026-11-30', 'seeded');
SELECT nextval('counter');
REFRESH MATERIALIZED VIEW total
"""
# What an application made while it was tried out.
BY_LOGIN = """
CREATE TABLE own_by_login (a int);
CREATE FUNCTION by_login() RETURNS int LANGUAGE sql AS 'SELECT 1';
GRANT SELECT ON own_by_login, item TO SESSION_USER;
ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO SESSION_USER
"""
NAMED = """
SELECT classid::regclass::text, objid FROM pg_shdepend
WHERE refclassid = 'pg_authid'::regclass AND refobjid = ANY (%s::regrole[]::oid[])
  AND dbid = (SELECT oid FROM pg_database WHERE datname = current_database())
"""


def test_a_clone_is_what_its_template_was_and_the_branchs_own(
    new_template: NewTemplate,
    new_clone: NewClone,
    tenant_server: PostgresServer,
    postgres_admin: AdminLogin,
    superuser_in: Callable[[str], Session],
) -> None:
    template = new_template(MIGRATION, by_login=BY_LOGIN)

    database = replace(new_clone(template), extensions=("citext", "pg_trgm"))
    clone = made(tenant_server, postgres_admin, database)

    login, job = clone.both
    assert login.value("SELECT count(*) FROM account WHERE shout = 'X1'") == 1
    assert login.value("SELECT n FROM total") == 100
    assert login.value("INSERT INTO account (email) VALUES ('new') RETURNING id") == 101
    assert login.value("INSERT INTO item (account) VALUES (101) RETURNING id") == 3
    assert login.value("SELECT nextval('counter')") == 2
    assert login.value("SELECT convert_from(lo_get(4711), 'utf8')") == "large"
    assert login.value("SHOW search_path") == job.value("SHOW search_path") == "more, public"
    assert login.value("SHOW work_mem") != "9MB"
    assert login.value("SELECT similarity('a', 'a')") == 1
    names = [f'"{role}"' for role in (template.login.role, template.database.owner_role)]
    assert superuser_in(clone.database.name).execute(NAMED, [names]).fetchall() == []
    job.run(
        "ALTER TABLE account ADD COLUMN more int; ALTER TYPE mood ADD VALUE 'calm'",
        "DROP TABLE own_by_login; DROP FUNCTION by_login(); DROP POLICY of_those ON account",
        "CREATE INDEX ON account (mood); ALTER TABLE more.event DETACH PARTITION more.event_2026",
        "ALTER EXTENSION citext UPDATE; REFRESH MATERIALIZED VIEW total",
        "SELECT lo_unlink(4711); DROP SCHEMA public CASCADE; CREATE SCHEMA public",
        "CREATE TABLE public.again (a int)",
    )
    login.run("INSERT INTO again VALUES (1)", "CREATE TABLE by_login (a int)")


@pytest.mark.parametrize("strategy", ["wal_log", "file_copy"])
def test_two_are_cloned_at_once_either_way(
    strategy: str,
    *,
    new_template: NewTemplate,
    new_clone: NewClone,
    tenant_server: PostgresServer,
    postgres_admin: AdminLogin,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    template = new_template("CREATE TABLE t AS SELECT 1 AS a")
    databases = [new_clone(template) for _ in range(2)]
    monkeypatch.setattr(cloning.Way, "strategy", strategy)

    with ThreadPoolExecutor(max_workers=2) as workers:
        clones = list(workers.map(lambda one: made(tenant_server, postgres_admin, one), databases))

    for clone in clones:
        clone.job.run("ALTER TABLE t ADD COLUMN b int")
        assert clone.login.value("SELECT a FROM t") == 1


@pytest.mark.parametrize(
    ("megabytes", "has_clones", "strategy"),
    [
        (30, True, "wal_log"),
        (31, True, "file_copy"),
        (50, False, "wal_log"),
        (51, False, "file_copy"),
    ],
)
def test_files_are_copied_where_that_takes_less_time(
    megabytes: int, has_clones: bool, strategy: str
) -> None:
    way = cloning.Way(size_bytes=megabytes * 1_000_000, has_clones=has_clones)

    assert way.strategy == strategy


def test_a_clone_keeps_what_was_set_since_it_was_made(
    new_template: NewTemplate,
    new_clone: NewClone,
    tenant_server: PostgresServer,
    postgres_admin: AdminLogin,
) -> None:
    template = new_template('ALTER ROLE CURRENT_USER IN DATABASE "{name}" SET timezone = UTC')
    database = new_clone(template)
    clone = made(tenant_server, postgres_admin, database)
    clone.login.run(f'ALTER ROLE CURRENT_USER IN DATABASE "{database.name}" SET timezone = CET')

    tenant_server.provision(database, password=clone.login.password)

    assert clone.login.value("SHOW timezone") == "CET"
    tenant_server.clear(database)
    tenant_server.provision(database, password=clone.login.password)
    assert clone.login.value("SHOW timezone") == "UTC"


def test_nothing_crosses_from_a_clone_to_its_sister_or_its_template(
    *,
    new_template: NewTemplate,
    new_clone: NewClone,
    new_admin: NewAdmin,
    tenant_server: PostgresServer,
    postgres_admin: AdminLogin,
    superuser: Session,
    superuser_in: Callable[[str], Session],
) -> None:
    template = new_template("CREATE TABLE t (a int)")
    clone, sister = (made(tenant_server, postgres_admin, new_clone(template)) for _ in range(2))
    before = state_of(superuser, superuser_in, sister)
    admin = new_admin("CREATEDB CREATEROLE")
    stranger = replace(clone.login, role=RoleName(admin.user), password=admin.password)

    for attacker in clone.both:
        attack_all(attacker, sister)
        with (
            pytest.raises(psycopg.OperationalError),
            attacker.session(database=template.database.name),
        ):
            pass
        with attacker.session() as session:
            for attack in [attack for attack in REFUSED if "{job}" not in attack]:
                with pytest.raises((errors.InsufficientPrivilege, errors.FeatureNotSupported)):
                    session.execute(filled_in(attack, template, shared=clone.database.data_role))

    assert state_of(superuser, superuser_in, sister) == before
    for former in template.both:
        assert not former.can_connect()
        with pytest.raises(psycopg.OperationalError), former.session(database=clone.database.name):
            pass
    with (
        stranger.session(database="postgres") as session,
        pytest.raises(errors.InsufficientPrivilege, match="copy"),
    ):
        session.execute(filled_in("CREATE DATABASE copied TEMPLATE {other}", template, shared=None))


def test_a_template_that_cannot_be_cloned_any_more_is_told_from_a_busy_one(
    new_template: NewTemplate,
    new_clone: NewClone,
    tenant_server: PostgresServer,
    superuser: Session,
    superuser_in: Callable[[str], Session],
) -> None:
    template = new_template()
    name, clone = template.database.name, new_clone(template)
    superuser.execute(f'ALTER DATABASE "{name}" ALLOW_CONNECTIONS true'.encode())
    inside = superuser_in(name)

    with pytest.raises(TransientError):
        tenant_server.provision(clone, password=new_password())

    inside.close()
    superuser.execute("UPDATE pg_database SET datcollversion = 'old' WHERE datname = %s", [name])
    assert refused(tenant_server, clone) == "template_missing"
    tenant_server.drop(template.database)
    assert refused(tenant_server, clone) == "template_missing"
    tenant_server.provision(replace(clone, template=None), password=new_password())


def refused(server: PostgresServer, database: TenantDatabase) -> str:
    with pytest.raises(ProvisioningFailed) as refusal:
        server.provision(database, password=new_password())
    return refusal.value.code

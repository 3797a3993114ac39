"""Databases that are cloned from a sealed template: its rows, and nothing of its roles."""

import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from psycopg import errors

from app.core.databases import Template, TenantDatabase
from app.core.errors import ProvisioningFailed, TransientError
from app.core.identifiers import DatabaseName
from app.core.instances import AdminLogin
from app.postgres import cloning
from app.postgres.passwords import new_password
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import NewAdmin, Tenant, job_request
from tests.integration.postgres.test_data_roles import (
    REFUSED,
    Place,
    cannot_enter,
    filled_in,
    made,
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

NewTemplate = Callable[..., Place]
NewClone = Callable[[Place], TenantDatabase]


@pytest.fixture
def new_template(
    tenant_server: PostgresServer,
    postgres_admin: AdminLogin,
    new_tenant: Callable[..., TenantDatabase],
) -> NewTemplate:
    """Makes a template of what a job and an application did in it: sealed, its job ended."""

    def new(*by_job: str, by_login: str = "") -> Place:
        place = made(tenant_server, postgres_admin, new_tenant())
        place.job.run(*(one.replace("{name}", place.database.name) for one in by_job))
        if by_login:
            place.login.run(by_login)
        tenant_server.close_job_login(
            place.database, place.job.role, password=place.login.password
        )
        tenant_server.freeze(place.database)
        tenant_server.seal(place.database)
        return place

    return new


@pytest.fixture
def new_clone(new_tenant: Callable[..., TenantDatabase]) -> NewClone:
    """Gives names to what is to be cloned."""

    def new(template: Place) -> TenantDatabase:
        database = template.database
        origin = Template(name=database.name, login_role=database.login_role)
        return replace(new_tenant(beside=database), template=origin)

    return new


def test_a_clone_is_what_its_template_was_and_the_branchs_own(
    new_template: NewTemplate,
    new_clone: NewClone,
    tenant_server: PostgresServer,
    postgres_admin: AdminLogin,
    superuser_in: Callable[[str], Session],
) -> None:
    template = new_template(MIGRATION, by_login=BY_LOGIN)

    clone = made(tenant_server, postgres_admin, new_clone(template))

    login, job = clone.both
    assert login.value("SELECT count(*) FROM account WHERE shout = 'X1'") == 1
    assert login.value("SELECT n FROM total") == 100
    assert login.value("INSERT INTO account (email) VALUES ('new') RETURNING id") == 101
    assert login.value("INSERT INTO item (account) VALUES (101) RETURNING id") == 3
    assert login.value("SELECT nextval('counter')") == 2
    assert login.value("SELECT convert_from(lo_get(4711), 'utf8')") == "large"
    assert login.value("SHOW search_path") == job.value("SHOW search_path") == "more, public"
    assert login.value("SHOW work_mem") != "9MB"
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


def test_two_are_cloned_at_once(
    new_template: NewTemplate,
    new_clone: NewClone,
    tenant_server: PostgresServer,
    postgres_admin: AdminLogin,
) -> None:
    template = new_template("CREATE TABLE t AS SELECT 1 AS a")
    databases = [new_clone(template) for _ in range(2)]

    with ThreadPoolExecutor(max_workers=2) as workers:
        clones = list(workers.map(lambda one: made(tenant_server, postgres_admin, one), databases))

    for clone in clones:
        clone.job.run("ALTER TABLE t ADD COLUMN b int")
        assert clone.login.value("SELECT a FROM t") == 1

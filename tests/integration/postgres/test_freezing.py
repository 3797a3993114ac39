"""Freezing what is to be a template: by a service with no more than CREATEDB and CREATEROLE."""

import time
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed, TransientError
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import NewAdmin, Place, made
from tests.integration.postgres.test_stubborn_jobs import within_seconds

# Functions that are harmless so far: what they become is no use in an index.
FUNCTIONS = """
CREATE FUNCTION checked(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a';
CREATE FUNCTION waited(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a'
"""
TABLES = """
CREATE TABLE plain AS SELECT n AS a FROM generate_series(1, 1000) AS n;
CREATE TABLE parent (a int) PARTITION BY LIST (a);
CREATE TABLE part PARTITION OF parent FOR VALUES IN (1);
INSERT INTO parent VALUES (1);
CREATE MATERIALIZED VIEW seen AS SELECT * FROM plain;
CREATE TABLE gone (a int);
DELETE FROM plain WHERE a % 2 = 0
"""
FAILING = """
CREATE TABLE a_failing AS SELECT n AS a FROM generate_series(1, 10) AS n;
CREATE INDEX ON a_failing (checked(a));
CREATE OR REPLACE FUNCTION checked(a int) RETURNS int IMMUTABLE LANGUAGE sql AS 'SELECT a / 0'
"""
# It outlasts the timeout of a statement.
WAITING = """
CREATE TABLE waiting AS SELECT 1 AS a;
CREATE INDEX ON waiting (waited(a));
CREATE OR REPLACE FUNCTION waited(a int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS $$
BEGIN
  LOOP
    BEGIN PERFORM pg_sleep(1000); EXCEPTION WHEN query_canceled THEN NULL; END;
  END LOOP;
END $$
"""
NOW = "SELECT pg_current_xact_id()::xid::text"
UNFROZEN = """
SELECT array_agg(relname::text) FROM pg_class
WHERE relkind IN ('r', 'm', 't') AND oid >= 16384 AND age(relfrozenxid) > age(%s::xid)
"""
ANALYZED = """
SELECT array_agg(DISTINCT tablename::text ORDER BY tablename::text) FROM pg_stats
WHERE schemaname = 'public'
"""


@pytest.fixture
def server(new_admin: NewAdmin) -> Iterator[PostgresServer]:
    server = PostgresServer(new_admin("CREATEDB CREATEROLE"))
    yield server
    server.close()


@pytest.fixture
def place(server: PostgresServer, new_tenant: Callable[[], TenantDatabase]) -> Iterator[Place]:
    place = made(server, server._access.admin, new_tenant())
    place.job.run(FUNCTIONS)
    yield place
    server.drop(place.database)


def test_all_tables_are_frozen_and_analyzed_that_can_be(
    place: Place,
    server: PostgresServer,
    superuser: Session,
    superuser_in: Callable[[str], Session],
) -> None:
    place.job.run(TABLES, FAILING)
    place.login.run("CREATE TABLE by_login AS SELECT 1 AS a")
    now = superuser.execute(NOW).fetchone()

    server.freeze(place.database)

    assert not place.login.can_connect()
    assert not place.job.can_connect()
    inside = superuser_in(place.database.name)
    assert inside.execute(UNFROZEN, now).fetchall() == [(None,)]
    assert inside.execute(ANALYZED).fetchall() == [
        (["by_login", "parent", "part", "plain", "seen"],)
    ]
    # Repeated after its end, and after the sealing, too.
    server.seal(place.database)
    server.freeze(place.database)
    server.seal(place.database)


def test_a_function_that_never_ends_holds_nobody_up(
    place: Place, server: PostgresServer, superuser: Session
) -> None:
    place.job.run(WAITING)

    with (
        within_seconds(),
        pytest.raises(ProvisioningFailed, match="took more than") as refusal,
    ):
        server.freeze(place.database, within_seconds=2)

    assert refusal.value.code == "freeze_too_long"
    give_up_at = time.monotonic() + 20
    inside = "SELECT FROM pg_stat_activity WHERE datname = %s"
    while superuser.execute(inside, [place.database.name]).rowcount:
        assert time.monotonic() < give_up_at


def test_a_table_that_somebody_holds_is_frozen_later(
    place: Place, server: PostgresServer, superuser_in: Callable[[str], Session]
) -> None:
    place.job.run(TABLES)
    forgotten = superuser_in(place.database.name)
    with forgotten.transaction():
        forgotten.execute("LOCK TABLE public.plain")

        with within_seconds(), pytest.raises(TransientError):
            server.freeze(place.database)

    now = forgotten.execute(NOW).fetchone()
    server.freeze(place.database)
    assert forgotten.execute(UNFROZEN, now).fetchall() == [(None,)]


def test_what_belongs_to_its_own_login_is_not_touched(
    place: Place, server: PostgresServer, new_tenant: Callable[[], TenantDatabase]
) -> None:
    database = replace(new_tenant(), data_role=None)
    production = made(server, place.login.admin, database)
    production.job.run("CREATE TABLE precious (a int)")

    with pytest.raises(ProvisioningFailed, match="its own login"):
        server.freeze(database)

    assert production.login.value("SELECT count(*) FROM precious") == 0
    server.drop(database)

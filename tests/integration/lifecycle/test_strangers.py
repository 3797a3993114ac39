"""A tenant's login beside the state database: a server for both, as many small set-ups have it."""

import secrets
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
from psycopg import errors, sql
from structlog.testing import capture_logs

from app import bootstrap
from app.bootstrap import State
from app.config import Config
from app.core.databases import DatabaseState
from app.core.people import Manage
from app.jobs import queue
from app.machine.surroundings import Machine
from app.operations import access
from app.operations.administration import doctor, instances
from app.operations.administration.diagnosis import Diagnosis, Health
from app.store.connection import open_pool
from app.store.locks import exclusively
from app.store.schema import migrate
from app.store.vault import Vault
from tests.integration.lifecycle.working import Worker, wait_until
from tests.integration.lifecycle.world import World

pytestmark = pytest.mark.own_service

# Every key that could be thought of: what the service's own source says, for small ids.
GUESSES = """
SELECT count(pg_advisory_lock(hashtextextended(kind, id)))
  FROM unnest(ARRAY['database', 'check', 'github_writes', 'locks']) kind, generate_series(0, 60) id
"""
SEEN = """
SELECT pg_advisory_lock((classid::bigint << 32) | objid::bigint) FROM pg_locks
 WHERE locktype = 'advisory' AND pid <> pg_backend_pid() AND NOT EXISTS (
    SELECT FROM pg_locks mine WHERE mine.pid = pg_backend_pid() AND mine.objid = pg_locks.objid)
"""


def is_ready(world: World, branch: str) -> bool:
    database = world.database(branch)
    return database is not None and database.state is DatabaseState.READY


def login_of(world: World, branch: str) -> tuple[str, str]:
    """What `env` gives."""
    database = world.ready(branch)
    password = world.services.store.databases.password(database.id)
    assert password is not None
    return database.login_role, password


@pytest.fixture
def tenant(world: World) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """A session of a tenant's in the state database, to which everybody may connect."""
    world.assign()
    world.github.push(world.repository, "theirs")
    world.settle()
    user, password = login_of(world, "theirs")
    with psycopg.connect(world.dsn, user=user, password=password, autocommit=True) as session:
        yield session


def test_a_tenant_who_may_connect_takes_no_lock_of_ours(
    world: World, tenant: psycopg.Connection[tuple[object, ...]]
) -> None:
    tenant.execute(GUESSES)
    tenant.execute(SEEN)

    world.github.push(world.repository, "ours")
    world.settle()

    world.ready("ours")


def test_a_tenant_sees_no_lock_of_ours_that_it_could_take(
    world: World, tenant: psycopg.Connection[tuple[object, ...]]
) -> None:
    pool = open_pool(world.dsn)
    try:
        with exclusively(pool, "database", 1):
            seen = tenant.execute(
                "SELECT FROM pg_locks JOIN pg_database d ON d.oid = database"
                " WHERE locktype = 'advisory' AND datname = current_database()"
            )
            with pytest.raises(errors.InsufficientPrivilege):
                tenant.execute("SELECT FROM coppice.locks FOR UPDATE")
    finally:
        pool.close()

    assert seen.rowcount == 0


def test_a_tenant_keeps_no_process_from_starting(
    world: World, tenant: psycopg.Connection[tuple[object, ...]]
) -> None:
    tenant.execute("SELECT pg_advisory_lock(%s)", [0x_C0_9F_1C_E0])

    assert migrate(world.dsn, queue_schema=queue.queue_schema()) == []


MADE_UP = ["{", "[]", "0", '{"type": 1}', '{"type": "abort_job_requested"}', "[" * 7000]


def test_a_tenant_who_speaks_on_the_queues_channel_stops_no_worker(
    world: World, tenant: psycopg.Connection[tuple[object, ...]], tmp_path: Path
) -> None:
    with Worker(world.settings, tmp_path / "worker.log") as worker:
        wait_until(lambda: is_listening(world))
        for payload in MADE_UP:
            tenant.execute("SELECT pg_notify('procrastinate_queue_v1#databases', %s)", [payload])
        world.github.push(world.repository, "ours")
        wait_until(lambda: is_ready(world, "ours"))

        assert "Side task" not in worker.log.read_text()


def is_listening(world: World) -> bool:
    return bool(
        world.state.execute(
            "SELECT FROM pg_stat_activity WHERE datname = current_database()"
            " AND query LIKE 'LISTEN%databases%'"
        ).rowcount
    )


def kept_open(world: World) -> list[Diagnosis]:
    """What `doctor` remarks on the state database."""
    config = Config.from_environ(world.settings)
    found = doctor.diagnose(world.services, Machine(config, dsn=world.dsn), settings_warnings=())
    return [one for one in found if one.what == "state database" and one.health is Health.WARNING]


def may_connect(world: World, branch: str) -> bool:
    user, password = login_of(world, branch)
    with psycopg.connect(world.dsn, autocommit=True) as session:
        found = session.execute(
            "SELECT has_database_privilege(%s, current_database(), 'CONNECT')", [user]
        ).fetchone()
    try:
        psycopg.connect(world.dsn, user=user, password=password).close()
    except psycopg.OperationalError:
        return found != (False,)
    return True


def start(world: World) -> list[str]:
    """What a process of the service says when it prepares the state database."""
    with capture_logs() as logs:
        bootstrap.prepare_for_service(
            State(dsn=world.dsn, vault=Vault([world.settings["COPPICE_SECRET_KEYS"]]))
        )
    return [entry["event"] for entry in logs]


def test_a_state_database_that_is_ours_alone_is_closed_to_tenants(
    world: World, tenant: object
) -> None:
    said = start(world)
    again = start(world)

    assert not may_connect(world, "theirs")
    assert [text for text in said if "was revoked from PUBLIC" in text]
    assert again == []
    assert kept_open(world) == []
    world.services.store.queue.waiting()


@pytest.mark.parametrize(
    "use", ["CREATE TABLE public.theirs ()", "CREATE SCHEMA theirs", "CREATE EXTENSION citext"]
)
def test_a_state_database_that_others_use_is_left_as_it_is(
    world: World, tenant: object, use: str
) -> None:
    world.state.execute(use.encode())

    assert start(world) == []

    assert may_connect(world, "theirs")


def test_the_sql_that_doctor_and_link_give_closes_what_is_not_ours(
    world: World, tenant: object
) -> None:
    owner = f"owner_{secrets.token_hex(4)}"
    with psycopg.connect(world.dsn, autocommit=True) as session:
        names = {"owner": sql.Identifier(owner), "database": sql.Identifier(session.info.dbname)}
        session.execute(sql.SQL("CREATE ROLE {owner}").format(**names))
        session.execute(sql.SQL("ALTER DATABASE {database} OWNER TO {owner}").format(**names))
        try:
            assert start(world) == []
            [told] = kept_open(world)
            report = instances.test(
                world.services, access.instance(world.services, "tenants", Manage)
            )

            assert may_connect(world, "theirs")
            assert told.advice in [one.advice for one in report.findings]
            session.execute(sql.SQL("SET ROLE {owner}").format(**names))
            session.execute(told.advice.encode())
            session.execute("RESET ROLE")

            assert not may_connect(world, "theirs")
            assert kept_open(world) == []
        finally:
            session.execute("RESET ROLE")
            give_back = "ALTER DATABASE {database} OWNER TO CURRENT_USER"
            session.execute(sql.SQL(give_back).format(**names))
            session.execute(sql.SQL("DROP ROLE {owner}").format(**names))

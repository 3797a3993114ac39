"""A command that ended well without ever connecting to its database is no success."""

import json
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
import pytest

from app.core.instances import AdminLogin
from pgwire.beside.watch import Watch
from pgwire.beside.witness import Witness
from pgwire.client import Target
from tests.integration.action.conftest import NewDatabase, RealDatabase, script_success
from tests.integration.action.scripted import ScriptedService, run_path
from tests.integration.action.step import Step

CONNECT = 'psql -qc "SELECT 1"'


@pytest.mark.parametrize("command", ["npx nothing; true", "true", "psql -d postgres -c x || :"])
def test_a_command_that_connects_to_nothing_is_neutral_and_said(
    step: Step, branch: RealDatabase, service: ScriptedService, command: str
) -> None:
    finished = step.run(migration_command=f"set +e; {command}")

    assert (finished.exit_code, finished.outputs["result"]) == (0, "success"), finished.log.text
    [report] = service.reports("branch")
    assert (report["result"], report["exit_code"]) == ("never-connected", 0)
    [described] = json.loads(finished.outputs["databases"])
    assert described["result"] == "never-connected"
    assert f"never connected to {branch.tenant.name}" in finished.log.of("warning")[0]
    assert "never connected" in finished.summary.replace("\\", "")
    assert not finished.log.of("error")


@pytest.mark.parametrize(
    "command", [CONNECT, f"{CONNECT} & sleep 0.2", "psql -qc 'SELECT nothing' || true"]
)
def test_one_that_connects_however_shortly_is_a_success(
    step: Step, branch: RealDatabase, service: ScriptedService, command: str
) -> None:
    finished = step.run(migration_command=command)

    assert finished.exit_code == 0, finished.log.text
    assert service.reports("branch")[0]["result"] == "success"


def test_a_command_that_fails_without_connecting_is_a_failure(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    step.run(migration_command="exit 3")

    assert service.reports("branch")[0]["result"] == "failure"


def test_production_follows_a_preview_to_which_nobody_connected(
    step: Step, service: ScriptedService, new_database: NewDatabase
) -> None:
    script_success(service, new_database("preview"), new_database("production"))

    finished = step.run(migration_command="true", export_env="true")

    assert finished.outputs["result"] == "success"
    assert [one["result"] for one in json.loads(finished.outputs["databases"])] == [
        "never-connected",
        "never-connected",
    ]
    assert finished.exported["PGDATABASE"].endswith("-preview")


def test_no_seed_follows_what_was_not_migrated(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch"), branch.go(seed=True))
    script = {"migration_command": "true", "seed_command": "touch seeded"}

    step.run(**script)

    assert not (step.workspace / "seeded").exists()


def test_a_seed_command_that_never_connected_has_not_seeded(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    script_success(service, branch, seed_command="true")
    service.on(run_path("branch"), branch.go(seed=True))

    finished = step.run(migration_command=CONNECT)

    [report] = service.reports("branch")
    assert (report["result"], report["seed"]["result"]) == ("success", "never-connected")
    assert finished.exit_code == 0, finished.log.text
    assert "seed command ended well, but never connected" in finished.log.of("warning")[0]


# --- what proves nothing --------------------------------------------------------------------------


@pytest.fixture
def database(new_database: NewDatabase) -> RealDatabase:
    return new_database("branch")


@pytest.fixture
def superuser(
    database: RealDatabase, postgres_superuser: AdminLogin
) -> Iterator[psycopg.Connection]:
    """In another database, where its session does not count."""
    with psycopg.connect(
        host=database.host,
        port=database.port,
        user=postgres_superuser.user,
        password=postgres_superuser.password,
        dbname="postgres",
        autocommit=True,
    ) as session:
        yield session


@contextmanager
def watching(database: RealDatabase) -> Iterator[Witness]:
    """As around a command."""
    target = Target(
        host=database.host,
        port=database.port,
        database=database.tenant.name,
        user=database.tenant.login_role,
        password=database.password,
        sslmode="disable",
        ca_certificate=None,
    )
    with Watch(target, say=lambda _line: None) as watched:
        yield Witness(watched.session, target)


def sessions(superuser: psycopg.Connection, database: RealDatabase) -> int:
    query = "SELECT sessions FROM pg_stat_database WHERE datname = %s"
    [[count]] = superuser.execute(query, [database.tenant.name]).fetchall()
    return int(count)


def test_nobody_is_nobody(database: RealDatabase) -> None:
    with watching(database) as seen:
        assert seen.nobody_came()


def test_beside_an_application_nothing_is_claimed(database: RealDatabase) -> None:
    with psycopg.connect(database.url), watching(database) as seen:
        assert not seen.nobody_came()
    with watching(database) as seen, psycopg.connect(database.url):
        assert not seen.nobody_came()


def test_a_session_that_was_killed_has_been_there(
    database: RealDatabase, superuser: psycopg.Connection
) -> None:
    with watching(database) as seen:
        killed = psycopg.connect(database.url)
        superuser.execute("SELECT pg_terminate_backend(%s)", [killed.info.backend_pid])
        killed.close()

        assert not seen.nobody_came()


def test_a_count_that_began_anew_proves_nothing(
    database: RealDatabase, superuser: psycopg.Connection
) -> None:
    with watching(database) as seen:
        before = sessions(superuser, database)
        psycopg.connect(database.url).close()
        reset_count(database, superuser)
        while sessions(superuser, database) < before:
            psycopg.connect(database.url).close()

        assert not seen.nobody_came()


def reset_count(database: RealDatabase, superuser: psycopg.Connection) -> None:
    info = superuser.info
    with psycopg.connect(
        host=info.host,
        port=info.port,
        user=info.user,
        password=info.password,
        dbname=database.tenant.name,
        autocommit=True,
    ) as session:
        session.execute("SELECT pg_stat_reset()")


def test_a_session_of_ours_that_was_lost_proves_nothing(
    database: RealDatabase, superuser: psycopg.Connection
) -> None:
    with watching(database) as seen:
        superuser.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s",
            [database.tenant.name],
        )

        assert not seen.nobody_came()

"""The watch beside a command, on a real server: what is waited for, and what is left unfinished."""

import re
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import psycopg
import pytest

from app.core.identifiers import RoleName
from app.core.instances import AdminLogin
from app.operations.ports.postgres import JobLoginRequest
from app.postgres.passwords import new_password
from app.postgres.server import PostgresServer
from app.postgres.sessions import admin_login
from app.postgres.sessions import connect as connect_as
from pgwire.beside.catalog import CONSTRAINT, INDEX, MOST_UNFINISHED, Unfinished
from pgwire.beside.watch import APPLICATION, Rhythm, Watch
from pgwire.client import Target
from tests.integration.action.conftest import NewDatabase, RealDatabase
from tests.integration.action.scripted import ScriptedService
from tests.integration.action.step import Step

FAST = Rhythm(patience_seconds=0.3, again_seconds=60.0, look_seconds=0.05)
TABLE = '"shop\n::error::s"'
DOUBLES = "CREATE TABLE twice (id int); INSERT INTO twice VALUES (1), (1)"
INVALID = "CREATE UNIQUE INDEX CONCURRENTLY {} ON twice (id)"

Connection = psycopg.Connection[tuple[object, ...]]


@pytest.fixture
def database(new_database: NewDatabase) -> RealDatabase:
    return new_database("branch")


@pytest.fixture
def job(database: RealDatabase, tenant_server: PostgresServer) -> Target:
    """A job's login, as commands have it."""
    request = JobLoginRequest(
        role=RoleName(f"{database.tenant.login_role}-j"),
        password=new_password(),
        valid_until=datetime.now(UTC) + timedelta(minutes=5),
    )
    tenant_server.open_job_login(database.tenant, request)
    return Target(
        host=database.host,
        port=database.port,
        database=database.tenant.name,
        user=request.role,
        password=request.password,
        sslmode="disable",
        ca_certificate=None,
    )


@contextmanager
def session(target: Target, name: str = "") -> Iterator[Connection]:
    with psycopg.connect(
        host=target.host,
        port=target.port,
        dbname=target.database,
        user=target.user,
        password=target.password,
        application_name=name,
        autocommit=True,
    ) as opened:
        yield opened


def run(connection: Connection, *statements: str) -> None:
    for statement in statements:
        connection.execute(statement.encode())


def until(is_so: Callable[[], object]) -> None:
    give_up_at = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.02)


def waiting(connection: Connection, number: int) -> Callable[[], bool]:
    """Whether so many sessions wait for a lock in its database."""
    query = (
        "SELECT count(*) FROM pg_locks JOIN pg_database d ON d.oid = database"
        " WHERE NOT granted AND datname = current_database()"
    )
    return lambda: connection.execute(query).fetchall() == [(number,)]


def nothing(line: str) -> None:
    raise AssertionError(line)


def test_a_wait_is_told_with_who_holds_and_who_waits_behind(
    database: RealDatabase, job: Target
) -> None:
    said: list[str] = []
    application = replace(job, user=database.tenant.login_role, password=database.password)
    with (
        ThreadPoolExecutor() as threads,
        session(application, "web") as late,
        session(job, "tool") as waiter,
        session(application, "the\x01app") as holder,
    ):
        pids = [one.info.backend_pid for one in (holder, waiter, late)]
        run(waiter, f"CREATE TABLE {TABLE} (id int)")
        run(holder, "BEGIN", f"SELECT FROM {TABLE}")
        done = [threads.submit(run, waiter, f"DROP TABLE {TABLE}")]
        until(waiting(holder, 1))
        done.append(threads.submit(run, late, f"SELECT FROM {TABLE}"))
        until(waiting(holder, 2))

        with Watch(job, say=said.append, rhythm=FAST):
            until(lambda: len(said) >= 3)
            run(holder, "COMMIT")
            done[0].result()
    done[1].exception()

    of = f"of {application.user}"
    assert [re.sub(r"\d+ s ", "N s ", line) for line in said] == [
        f"coppice: session {pids[1]} ('tool') has waited for N s for a lock on public.shop"
        " ::error::s (AccessExclusiveLock).",
        f"coppice:   held by session {pids[0]} {of} ('the\\x01app'), in a transaction that"
        " began N s ago, which waits for its program.",
        f"coppice:   behind it wait 1: session {pids[2]} {of} ('web').",
    ]


def test_who_is_ahead_in_the_queue_is_not_taken_for_who_holds(
    database: RealDatabase, job: Target
) -> None:
    said: list[str] = []
    application = replace(job, user=database.tenant.login_role, password=database.password)
    with (
        ThreadPoolExecutor() as threads,
        session(job) as waiter,
        session(application, "nightly") as queued,
        session(application, "report") as holder,
    ):
        run(waiter, "CREATE TABLE orders (id int)")
        run(holder, "BEGIN", "SELECT FROM orders")
        done = [threads.submit(run, queued, "TRUNCATE orders")]
        until(waiting(holder, 1))
        done.append(threads.submit(run, waiter, "INSERT INTO orders VALUES (1)"))
        until(waiting(holder, 2))

        with Watch(job, say=said.append, rhythm=FAST):
            until(lambda: len(said) >= 3)
            run(holder, "COMMIT")
            for one in done:
                one.result()
        pids = [one.info.backend_pid for one in (holder, queued)]

    of = f"of {application.user}"
    assert [re.sub(r"\d+ s ago", "N s ago", line) for line in said[1:3]] == [
        f"coppice:   those ahead of it wait for session {pids[0]} {of} ('report'),"
        " in a transaction that began N s ago, which waits for its program.",
        f"coppice:   behind session {pids[1]} {of} ('nightly'), which waits too.",
    ]


def test_it_is_told_again_while_it_lasts_and_of_strangers_who_they_are(
    job: Target, postgres_superuser: AdminLogin
) -> None:
    said: list[str] = []
    admin = replace(admin_login(postgres_superuser), database=job.database)
    with ThreadPoolExecutor() as threads, session(job) as waiter, connect_as(admin) as holder:
        run(waiter, "CREATE TABLE held (id int)")
        run(holder, "SET application_name = 'nightly backup'", "BEGIN", "LOCK public.held")
        done = threads.submit(run, waiter, "CREATE INDEX ON held (id)")

        with Watch(job, say=said.append, rhythm=replace(FAST, again_seconds=0.2)):
            until(lambda: len(said) >= 4)
            run(holder, "ROLLBACK")
            done.result()
        pid, told = holder.info.backend_pid, len(said)

    assert said[1] == (f"coppice:   held by session {pid} of {admin.user} ('nightly backup').")
    assert said[2].startswith("coppice: session")
    assert len(said) == told


def test_what_a_command_leaves_unfinished_is_known_and_what_was_there_before_is_not_told(
    job: Target,
) -> None:
    with session(job) as command:
        run(command, *DOUBLES.split("; "), "CREATE SCHEMA odd", "CREATE TABLE odd.t (a int)")
        with pytest.raises(psycopg.errors.UniqueViolation):
            run(command, INVALID.format("before"))
        run(command, "ALTER TABLE twice ADD CONSTRAINT early CHECK (id > 0) NOT VALID")

        with Watch(job, say=nothing) as watch:
            with pytest.raises(psycopg.errors.UniqueViolation):
                run(command, INVALID.format('"new\n<b>"'))
            run(
                command,
                "ALTER TABLE odd.t ADD CONSTRAINT later CHECK (a > 0) NOT VALID",
                "CREATE DOMAIN odd.d AS int",
                "ALTER DOMAIN odd.d ADD CONSTRAINT positive CHECK (VALUE > 0) NOT VALID",
                # Not meant: steps on the way, and what is never to be held to.
                "CREATE TABLE parts (id int) PARTITION BY LIST (id)",
                "CREATE TABLE part PARTITION OF parts DEFAULT",
                "CREATE INDEX steps ON ONLY parts (id)",
                "ALTER TABLE twice ADD CONSTRAINT fine CHECK (id > 0)",
            )
            if command.info.server_version >= 180000:
                run(command, "ALTER TABLE odd.t ADD CONSTRAINT never CHECK (a > 0) NOT ENFORCED")

    assert watch.unfinished == (
        Unfinished(INDEX, "public", "twice", "new <b>"),
        Unfinished(CONSTRAINT, "odd", "d", "positive"),
        Unfinished(CONSTRAINT, "odd", "t", "later"),
    )


TRAP = (
    "CREATE FUNCTION public.trap(name, name) RETURNS bool LANGUAGE plpgsql"
    " AS 'BEGIN RAISE EXCEPTION ''caught''; END'",
    "CREATE OPERATOR public.<> (FUNCTION = public.trap, LEFTARG = name, RIGHTARG = name)",
    "CREATE OPERATOR public.= (FUNCTION = public.trap, LEFTARG = name, RIGHTARG = name)",
    "CREATE VIEW public.pg_index AS SELECT 1 / 0 AS indexrelid",
    "CREATE FUNCTION public.clock_timestamp() RETURNS timestamptz LANGUAGE sql"
    " AS 'SELECT NULL::timestamptz'",
)


def test_it_is_one_session_by_name_and_nothing_that_a_tenant_makes_runs_in_it(
    job: Target, postgres_superuser: AdminLogin
) -> None:
    with session(job) as command, connect_as(admin_login(postgres_superuser)) as superuser:
        run(command, *DOUBLES.split("; "), *TRAP, "SET ROLE none")
        run(command, f'ALTER ROLE "{job.user}" SET search_path = public, pg_catalog', "RESET ROLE")

        with Watch(job, say=nothing, rhythm=FAST) as watch:
            names = superuser.execute(
                "SELECT application_name FROM pg_stat_activity WHERE usename = %s AND pid <> %s",
                [job.user, command.info.backend_pid],
            ).fetchall()
            time.sleep(3 * FAST.look_seconds)  # so that it looks for waits as well
            with pytest.raises(psycopg.errors.UniqueViolation):
                run(command, INVALID.format("remains"))

    assert names == [(APPLICATION,)]
    assert [each.name for each in watch.unfinished] == ["remains"]


@pytest.mark.parametrize(
    "changes", [{"port": 9}, {"password": "x" * 40}, {"sslmode": "require"}, {"database": "none"}]
)
def test_without_a_session_the_command_goes_on_and_nothing_is_said(
    changes: dict[str, object], job: Target
) -> None:
    with Watch(replace(job, **changes), say=nothing) as watch:  # type: ignore[arg-type]
        assert watch.session is None

    assert watch.unfinished == ()


def test_a_session_that_is_ended_ends_nothing_else(
    job: Target, postgres_superuser: AdminLogin
) -> None:
    end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s"
    with session(job) as command:
        run(command, *DOUBLES.split("; "))
    with (
        connect_as(admin_login(postgres_superuser)) as superuser,
        Watch(job, say=nothing, rhythm=FAST) as watch,
    ):
        superuser.execute(end, [job.user])
        until(lambda: watch.session is None)
        with session(job) as command, pytest.raises(psycopg.errors.UniqueViolation):
            run(command, INVALID.format("remains"))

    assert [each.name for each in watch.unfinished] == ["remains"]


def test_a_command_that_ends_all_other_sessions_last_hides_nothing(
    job: Target, postgres_superuser: AdminLogin
) -> None:
    end = "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE usename = %s"
    with (
        connect_as(admin_login(postgres_superuser)) as superuser,
        Watch(job, say=nothing) as watch,
    ):
        with session(job) as command:
            run(command, *DOUBLES.split("; "))
            with pytest.raises(psycopg.errors.UniqueViolation):
                run(command, INVALID.format("remains"))
        superuser.execute(end, [job.user])

    assert [each.name for each in watch.unfinished] == ["remains"]


def test_an_index_is_told_beside_more_constraints_than_are_read(job: Target) -> None:
    add = "ALTER TABLE many ADD CONSTRAINT c%s CHECK (id > 0) NOT VALID"
    with session(job) as command:
        run(command, *DOUBLES.split("; "), "CREATE TABLE many (id int)")
        run(
            command,
            f"DO $$ BEGIN FOR n IN 1..{MOST_UNFINISHED + 5} LOOP"
            f" EXECUTE format('{add}', n); END LOOP; END $$",
        )
        with Watch(job, say=nothing) as watch:
            with pytest.raises(psycopg.errors.UniqueViolation):
                run(command, INVALID.format("remains"))
            run(command, add % "new")

    assert [each.name for each in watch.unfinished] == ["remains"]


def test_a_step_tells_of_an_invalid_index_and_reports_it(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    statements = (*DOUBLES.split("; "), INVALID.format("remains"))
    told = " ".join(f'-c "{each}"' for each in statements)
    constraint = '-c "ALTER TABLE twice ADD CONSTRAINT later CHECK (id > 0) NOT VALID"'

    finished = step.run(migration_command=f"psql {told} {constraint}; true")

    [report] = service.reports("branch")
    assert (report["result"], report["unfinished"]) == (
        "success",
        [
            {"kind": "index", "namespace": "public", "table": "twice", "name": "remains"},
            {"kind": "constraint", "namespace": "public", "table": "twice", "name": "later"},
        ],
    )
    [warning] = finished.log.of("warning")
    assert "left an invalid index" in warning
    assert "public.remains" in warning
    assert "the constraint later on public.twice" in finished.log.text

    step.run(migration_command="true")

    assert "unfinished" not in service.reports("branch")[-1]

"""Clients through the proxy: pipelines, COPY, cursors, cancels, and connections that break."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
import pytest
from psycopg import sql

from app.core.instances import AdminLogin
from app.postgres.sessions import admin_login, connect
from pgwire.client import Target
from pgwire.trace import look
from pgwire.trace.journal import Journal
from pgwire.trace.sources import Sources
from tests.integration.trace import talking
from tests.integration.trace.conftest import Traced, Tracing, connected, tracing

ROWS = 20_000


@pytest.fixture
def table(shared: Traced) -> Iterator[psycopg.Connection[Any]]:
    """A connection through the proxy, with a temporary table `m`."""
    with shared.proxied() as connection:
        connection.execute("CREATE TEMP TABLE m (a int, b text)")
        yield connection


def count(connection: psycopg.Connection[Any]) -> int:
    found = connection.execute("SELECT count(*) FROM m").fetchone()
    assert found
    return int(found[0])


def test_many_rows_are_inserted_in_one_pipeline(table: psycopg.Connection[Any]) -> None:
    rows = [(number, "é") for number in range(ROWS)]
    with table.transaction():
        table.cursor().executemany("INSERT INTO m VALUES (%s, %s)", rows)

    assert count(table) == ROWS


def test_a_pipeline_goes_on_behind_an_error(table: psycopg.Connection[Any]) -> None:
    def fail() -> None:
        # The end of a block waits for all answers; a sync takes those that there are.
        with table.pipeline() as pipeline:
            table.execute("INSERT INTO m VALUES (1)")
            pipeline.sync()
            table.execute("SELECT 1/0")
            table.execute("INSERT INTO m VALUES (2)")
            pipeline.sync()

    with pytest.raises(psycopg.errors.DivisionByZero):
        fail()
    with table.pipeline():
        table.execute("INSERT INTO m VALUES (3)")

    assert count(table) == 2


def test_rows_are_copied_both_ways(table: psycopg.Connection[Any]) -> None:
    with table.cursor().copy("COPY m FROM STDIN") as copy:
        for number in range(ROWS):
            copy.write_row((number, "x" * 100))
    with table.cursor().copy("COPY m TO STDOUT") as copied:
        length = sum(len(block) for block in copied)

    assert count(table) == ROWS
    assert length > ROWS * 100


def test_a_copy_that_fails_leaves_the_connection_usable(table: psycopg.Connection[Any]) -> None:
    def copy_in(write: Callable[[psycopg.Copy], None]) -> None:
        with table.cursor().copy("COPY m FROM STDIN") as copy:
            write(copy)

    with pytest.raises(psycopg.errors.InvalidTextRepresentation):
        copy_in(lambda copy: copy.write("not a number\tx\n" * ROWS))
    with pytest.raises(ZeroDivisionError):
        copy_in(lambda _: 1 / 0)  # type: ignore[arg-type]

    assert count(table) == 0


def test_rows_are_fetched_in_portions(table: psycopg.Connection[Any]) -> None:
    table.execute("INSERT INTO m SELECT generate_series(1, 1000)")
    with table.transaction(), table.cursor("portions") as cursor:
        cursor.itersize = 100
        fetched = len(cursor.execute("SELECT * FROM m").fetchall())

    assert fetched == 1000


def test_a_portal_with_a_limit_of_rows_goes_on(traced: Tracing) -> None:
    """As JDBC does with a fetch size."""
    with traced("CREATE TABLE m AS SELECT generate_series(1, 10) AS a") as trace:
        with talking.talking(trace.through) as talk:
            talk.ask(talking.query("BEGIN"))
            start = [talking.parse("SELECT a FROM m FOR UPDATE"), talking.bind(portal="p")]
            heard = [talk.ask(*start, talking.execute(4, "p"), talking.SYNC)]
            heard += [talk.ask(talking.execute(4, "p"), talking.SYNC) for _ in range(2)]
        [selected] = trace.report().statements

    ends = [[kind for kind, _ in answer if kind in b"sC"] for answer in heard]
    assert ends == [[b"s"], [b"s"], [b"C"]]
    assert [sum(kind == b"D" for kind, _ in answer) for answer in heard] == [4, 4, 2]
    assert (selected.tag, selected.rows) == ("SELECT 2", None)
    assert [lock.mode for lock in selected.locks] == ["ROW SHARE"]


def test_a_result_of_a_hundred_megabytes_comes_through(shared: Traced) -> None:
    question = "SELECT repeat('x', 1000000) FROM generate_series(1, 100)"
    with shared.proxied() as connection, connection.cursor() as cursor:
        length = sum(len(row[0]) for row in cursor.stream(question))

    assert length == 100_000_000


def test_a_statement_is_cancelled(shared: Traced) -> None:
    with shared.proxied() as connection:
        timer = threading.Timer(0.3, connection.cancel_safe)
        timer.start()
        with pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(60)")
        timer.join()

        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_look_that_is_cancelled_is_no_harm_to_the_next(shared: Traced) -> None:
    """It leaves a prepared statement of its name behind."""
    leftover = talking.parse("SELECT 1", look.NAME.decode())
    with talking.talking(shared.through) as talk:
        talk.ask(leftover, talking.SYNC)
        heard = talk.ask(talking.parse("SELECT 7"), talking.bind(), talking.execute(), talking.SYNC)

    assert [kind for kind, _ in heard] == [b"1", b"2", b"D", b"C", b"Z"]


_COUNT = "SELECT count(*) FROM pg_prepared_statements"


def test_what_is_prepared_is_known_and_ended_as_without_a_trace(login: Target) -> None:
    """The question stays prepared in a session: behind a third look it would be missed."""
    enders = ["DEALLOCATE ALL", "DISCARD ALL", "DO $$ BEGIN EXECUTE 'deallocate all'; END $$"]
    for ender in [*enders, "CALL ending()", _COUNT]:
        with connected(login) as connection:
            body = "BEGIN EXECUTE 'DEALLOCATE ALL'; END"
            connection.execute("DROP PROCEDURE IF EXISTS ending")
            if ender == "CALL ending()":
                connection.execute(f"CREATE PROCEDURE ending() LANGUAGE plpgsql AS $${body}$$")
        with tracing(login) as trace, trace.proxied() as connection:
            for _ in range(4):
                connection.execute("CREATE TEMPORARY TABLE i (a int); DROP TABLE i")
                connection.execute("SELECT FROM pg_class WHERE relname = ''")
            connection.execute(ender.encode())
            for _ in range(4):
                connection.execute("CREATE TEMPORARY TABLE i (a int)")
                connection.execute("DROP TABLE i")

            assert connection.execute(_COUNT.encode()).fetchone() == (0,), ender
            assert trace.report().untraced is None


def test_what_only_reads_does_not_wait_for_the_schema_to_be_read(login: Target) -> None:
    is_read = threading.Event()
    with tracing(login) as trace:
        trace.proxy.hold(lambda: is_read.wait(20))
        with trace.proxied() as connection:
            found = connection.execute("SELECT count(*) FROM pg_class WHERE oid IN (1)").fetchone()
            threading.Timer(0.3, is_read.set).start()
            connection.execute("CREATE TEMPORARY TABLE waited (a int)")

            assert (found, is_read.is_set()) == ((0,), True)


def test_a_backend_that_is_killed_ends_its_connection(
    shared: Traced, postgres_superuser: AdminLogin
) -> None:
    with shared.proxied() as connection, connect(admin_login(postgres_superuser)) as admin:
        admin.execute(
            sql.SQL("SELECT pg_terminate_backend({})").format(connection.info.backend_pid)
        )
        with pytest.raises(psycopg.errors.AdminShutdown):
            connection.execute("SELECT 1")

    with shared.proxied() as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)


def test_a_client_that_vanishes_ends_its_session(shared: Traced) -> None:
    with talking.talking(shared.through) as talk:
        [pid] = [
            body
            for kind, body in talk.ask(talking.query("SELECT pg_backend_pid()"))
            if kind == b"D"
        ]
    number = int(pid[6:])

    with shared.direct() as connection:
        for _ in range(200):
            found = connection.execute("SELECT FROM pg_stat_activity WHERE pid = %s", [number])
            if not found.rowcount:
                return
            time.sleep(0.05)
    pytest.fail("the session is still there")


def test_several_connections_go_on_side_by_side(shared: Traced) -> None:
    with shared.proxied() as one, shared.proxied() as other:
        one.execute("BEGIN; SELECT pg_advisory_xact_lock(7)")
        taken = other.execute("SELECT pg_try_advisory_lock(7)").fetchone()
        one.execute("COMMIT")

        assert taken == (False,)
        assert other.execute("SELECT pg_try_advisory_lock(7)").fetchone() == (True,)


# --- faults of the trace itself, planted ---------------------------------------------------------


@contextmanager
def broken(monkeypatch: pytest.MonkeyPatch, owner: type, name: str) -> Iterator[None]:
    def fail(*_: Any, **__: Any) -> None:
        raise ZeroDivisionError

    with monkeypatch.context() as patch:
        patch.setattr(owner, name, fail)
        yield


@pytest.mark.parametrize(
    ("owner", "name"),
    [
        (Journal, "sent"),
        (Journal, "ended"),
        (Journal, "saw"),
        (Journal, "failed"),
        (Journal, "ready"),
        (Sources, "of_query"),
        (Sources, "bind"),
    ],
)
def test_a_fault_of_the_trace_is_no_fault_of_the_command(
    traced: Tracing, monkeypatch: pytest.MonkeyPatch, owner: type, name: str
) -> None:
    with traced("CREATE TABLE m (a int)") as trace, trace.proxied() as connection:
        with broken(monkeypatch, owner, name):
            connection.execute("INSERT INTO m VALUES (1); ALTER TABLE m ADD b int; SELECT 1")
            connection.execute("ALTER TABLE m ADD c int")
            with pytest.raises(psycopg.errors.DivisionByZero):
                connection.execute("SELECT 1/%s", [0])
            rows = [(number, 1, 1) for number in range(100)]
            connection.cursor().executemany("INSERT INTO m VALUES (%s, %s, %s)", rows)

        assert connection.execute("SELECT count(*) FROM m").fetchone() == (101,)
        [told] = trace.report().connections

    assert told.untraced == "a fault of the trace itself (ZeroDivisionError)"
    assert trace.report().untraced == told.untraced


def test_a_connection_whose_thread_fails_ends_and_the_next_is_served(
    traced: Tracing, monkeypatch: pytest.MonkeyPatch
) -> None:
    with traced("CREATE TABLE m (a int)") as trace:
        with trace.proxied() as connection:
            monkeypatch.setattr(
                "pgwire.trace.frames.Frames._read", lambda *_: (_ for _ in ()).throw(ValueError)
            )
            with pytest.raises(psycopg.OperationalError):
                connection.execute("SELECT 1")
            monkeypatch.undo()

        with trace.proxied() as connection:
            assert connection.execute("SELECT 1").fetchone() == (1,)
        assert "lost in the trace (ValueError)" in str(trace.report().untraced)

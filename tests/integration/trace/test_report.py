"""What the trace tells of statements: locks, for how long, rewrites, values cut out."""

import json
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from typing import Any

import psycopg
import pytest
from psycopg import sql

import action.tracing
from pgwire.beside import sizes
from pgwire.client import Target, session
from pgwire.schema import facts
from pgwire.trace import relations
from pgwire.trace.places import placed
from pgwire.trace.report import (
    LONGEST_STATEMENT,
    MOST_BYTES,
    MOST_RELATIONS,
    MOST_STATEMENTS,
    Statement,
)
from tests.integration.trace.conftest import Traced, Tracing, connected

TABLES = """
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE orders (id int, user_id int);
INSERT INTO orders SELECT n, n FROM generate_series(1, 1000) AS n;
CREATE INDEX orders_user ON orders (user_id);
ANALYZE orders;
CREATE PROCEDURE p1() LANGUAGE plpgsql AS $$ BEGIN INSERT INTO orders VALUES (1); COMMIT; END $$;
"""
PARTED = """
CREATE TABLE p (id int, v int) PARTITION BY LIST (id);
CREATE TABLE p_1 PARTITION OF p FOR VALUES IN (1);
"""


def locks(statement: Statement) -> set[tuple[str, str]]:
    return {(lock.relation, lock.mode) for lock in statement.locks}


def test_a_lock_of_a_moment_is_held_until_its_transaction_ends(traced: Tracing) -> None:
    with traced(TABLES) as trace:
        with trace.proxied() as connection, connection.transaction():
            connection.execute("ALTER TABLE users ADD COLUMN age int")
            time.sleep(1)

        added = trace.statement("ALTER TABLE")

    assert locks(added) == {("public.users", "ACCESS EXCLUSIVE")}
    assert 1000 <= added.held_ms < 5000
    assert added.ms < 500


def test_the_same_in_one_query_of_several_statements(traced: Tracing) -> None:
    script = (
        "BEGIN; ALTER TABLE users ADD COLUMN age int; SELECT pg_sleep(0); SELECT pg_sleep(1);"
        "DROP INDEX orders_user; COMMIT; SELECT 7"
    )
    with traced(TABLES) as trace:
        with trace.proxied() as connection:
            connection.execute(script)

        added, slept = trace.statement("ALTER TABLE"), trace.statement("SELECT pg_sleep")

    assert locks(added) == {("public.users", "ACCESS EXCLUSIVE")}
    assert 1000 <= added.held_ms < 5000
    assert added.ms < 500
    assert 1000 <= slept.ms < 5000
    assert trace.statement("DROP INDEX").ms < 500
    assert added.transaction == slept.transaction != trace.statement("SELECT ?").transaction


EXCLUSIVE = "ACCESS EXCLUSIVE"
LOCKED = {
    "ALTER TABLE orders ADD COLUMN x int": {("public.orders", EXCLUSIVE)},
    "ALTER TABLE orders ALTER user_id TYPE bigint": {("public.orders", EXCLUSIVE)},
    "DROP INDEX orders_user": {("public.orders", EXCLUSIVE)},
    "DROP TABLE orders": {("public.orders", EXCLUSIVE)},
    "REINDEX INDEX orders_user": {("public.orders", "SHARE"), ("public.orders_user", EXCLUSIVE)},
    "ALTER INDEX orders_user RENAME TO o": {("public.orders_user", "SHARE UPDATE EXCLUSIVE")},
    "CREATE INDEX ON orders (id); INSERT INTO orders VALUES (1); DELETE FROM orders": {
        ("public.orders", "SHARE"),
        ("public.orders", "ROW EXCLUSIVE"),
    },
    "ALTER TABLE orders ADD x int; DELETE FROM orders": {("public.orders", EXCLUSIVE)},
    "CREATE INDEX ON orders (id)": {("public.orders", "SHARE")},
    "ALTER TABLE orders ADD FOREIGN KEY (user_id) REFERENCES users NOT VALID": {
        ("public.orders", "SHARE ROW EXCLUSIVE"),
        ("public.users", "SHARE ROW EXCLUSIVE"),
    },
    "COMMENT ON TABLE orders IS 'o'": {("public.orders", "SHARE UPDATE EXCLUSIVE")},
    "SELECT FROM orders FOR UPDATE": {("public.orders", "ROW SHARE")},
    "INSERT INTO users VALUES (1)": {("public.users", "ROW EXCLUSIVE")},
    "SELECT count(*) FROM orders": set(),
    "CREATE TABLE fresh (id int)": set(),
    # These tell it by their text, as a look would come too late or too early.
    "CREATE UNIQUE INDEX CONCURRENTLY i ON orders (id)": {
        ("public.orders", "SHARE UPDATE EXCLUSIVE")
    },
    "VACUUM (ANALYZE) public.orders": {("public.orders", "SHARE UPDATE EXCLUSIVE")},
    'VACUUM FULL "orders"': {("public.orders", EXCLUSIVE)},
    "COPY orders FROM STDIN": {("public.orders", "ROW EXCLUSIVE")},
    "BEGIN; LOCK TABLE ONLY orders, users IN SHARE MODE NOWAIT; COMMIT": {
        ("public.orders", "SHARE"),
        ("public.users", "SHARE"),
    },
}


def test_each_kind_of_statement_has_its_locks(traced: Tracing) -> None:
    found = {}
    for script in LOCKED:
        with traced(TABLES) as trace:
            _run(trace, script)
            found[script] = set().union(*(locks(each) for each in trace.report().statements))

    assert found == LOCKED


def _run(trace: Traced, script: str) -> None:
    with trace.proxied() as connection:
        if script.startswith("COPY"):
            with connection.cursor().copy(script.encode()) as copy:
                copy.write("1\t1\n")
        else:
            connection.execute(script.encode())


REWRITTEN = {
    "ALTER TABLE orders ALTER user_id TYPE bigint": ("public.orders",),
    "ALTER TABLE orders ADD x int DEFAULT 1": (),
    "ALTER TABLE orders ADD y float DEFAULT random()": ("public.orders",),
    "VACUUM FULL orders": ("public.orders",),
    "TRUNCATE orders": (),
}


def test_a_rewrite_is_told_of_the_statement_that_did_it(traced: Tracing) -> None:
    found = {}
    with traced(TABLES) as trace, trace.proxied() as connection:
        for script in REWRITTEN:
            connection.execute(script.encode())
            connection.execute("ALTER TABLE orders ADD COLUMN z int")
            with connection.transaction(force_rollback=True):
                connection.execute("ALTER TABLE orders ALTER id TYPE bigint")
            connection.execute("ALTER TABLE orders DROP COLUMN z")
        told = trace.report().statements
        found = {each.sql: each.rewrites for each in told if each.sql in REWRITTEN}
        gone = [each.rewrites for each in told if "DROP COLUMN" in each.sql or " z " in each.sql]
        back = [each.rewrites for each in told if "ALTER id" in each.sql]

    with traced(TABLES) as trace, trace.proxied() as connection, connection.transaction():
        connection.execute("SAVEPOINT s; ALTER TABLE orders ALTER id TYPE bigint; ROLLBACK TO s")
        connection.execute("ALTER TABLE orders ADD COLUMN z int")
        after_rollback = trace.statement("ALTER TABLE orders ADD").rewrites

    assert after_rollback == ()
    assert found == REWRITTEN
    assert set(gone) == {()}
    assert set(back) == {("public.orders",)}


OWNED = {
    "REINDEX INDEX orders_user": {("public.orders_user", "public.orders"), ("public.orders", "")},
    "ALTER SEQUENCE orders_n_seq CACHE 5": {("public.orders_n_seq", "public.orders")},
    "ALTER SEQUENCE alone CACHE 5": {("public.alone", "")},
}


def test_a_lock_on_a_part_of_a_table_names_the_table(traced: Tracing) -> None:
    tables = f"{TABLES} ALTER TABLE orders ADD n serial; CREATE SEQUENCE alone"
    found = {}
    with traced(tables) as trace, trace.proxied() as connection:
        for script in OWNED:
            connection.execute(script.encode())
            told = trace.report().statements[-1].locks
            found[script] = {(lock.relation, lock.table) for lock in told}

    assert found == OWNED


# By the file and the table of what the first run of an empty database does, and has no name for.
NEW = {
    "LOCK TABLE t": ({("public.t", EXCLUSIVE)}, (), 0),
    "VACUUM FULL t": ({("public.t", EXCLUSIVE)}, ("public.t",), 0),
    "VACUUM FULL": ({("public.t", EXCLUSIVE)}, ("public.t",), 0),
    "REINDEX TABLE t": ({("public.t", "SHARE"), ("public.t_pkey", EXCLUSIVE)}, (), 0),
    "REINDEX SCHEMA public": ({("public.t", "SHARE"), ("public.t_pkey", EXCLUSIVE)}, (), 0),
    "CREATE INDEX ON gone (id)": (set(), (), 1),
    "ALTER TABLE gone ALTER id TYPE bigint": (set(), (), 4),
    "DROP INDEX i": ({("public.t", EXCLUSIVE)}, (), 0),
    "DROP VIEW v": (set(), (), 0),
    "DROP TABLE gone": ({("public.gone", EXCLUSIVE)}, (), 0),
}


def test_of_what_the_command_had_made_itself_it_is_told_how_much_has_no_name(
    traced: Tracing,
) -> None:
    with traced("") as trace:
        with trace.proxied() as connection:
            connection.execute("CREATE TABLE t (id int PRIMARY KEY)")
            connection.execute("CREATE TABLE gone (id int, t text)")
            connection.execute("CREATE INDEX i ON t (id)")
            connection.execute("CREATE VIEW v AS SELECT 1")
            for script in NEW:
                connection.execute(f"BEGIN; {script}; COMMIT" if "LOCK" in script else script)
        with session(trace.target) as asking:
            told = {each.sql: each for each in trace.proxy.report(asking).statements}

    found = {name: told[name] for name in NEW}
    assert {
        name: (locks(one), one.rewrites, min(one.more_relations, 4)) for name, one in found.items()
    } == NEW
    assert all(lock.is_new for one in found.values() for lock in one.locks)


PARTS_REWRITTEN = {
    "ALTER TABLE p ALTER v TYPE bigint": ("public.p_1", "public.p"),
    "BEGIN; LOCK TABLE p; ALTER TABLE p ALTER v TYPE bigint; COMMIT": ("public.p_1", "public.p"),
    "ALTER TABLE p ADD y float DEFAULT random()": ("public.p_1", "public.p"),
    "ALTER TABLE p ADD x int DEFAULT 1": (),
    "ALTER TABLE p_1 SET UNLOGGED": ("public.p_1",),
    "VACUUM FULL p_1": ("public.p_1",),
    "VACUUM FULL p": ("public.p_1", "public.p"),
    "VACUUM FULL": ("public.p_1",),
    "CLUSTER p USING p_id": ("public.p_1", "public.p"),
    "CLUSTER": (),
}


def test_a_rewrite_of_partitions_is_told_of_their_root_too(traced: Tracing) -> None:
    found = {}
    for script in PARTS_REWRITTEN:
        with traced(f"{PARTED} CREATE INDEX p_id ON p (id); INSERT INTO p VALUES (1, 1)") as trace:
            with trace.proxied() as connection:
                for query in script.split("; "):
                    connection.execute(query.encode())
            rewrites = [each.rewrites for each in trace.report().statements]
            found[script] = max(rewrites, key=len)

    assert {name: set(each) for name, each in found.items()} == {
        name: set(each) for name, each in PARTS_REWRITTEN.items()
    }


@pytest.mark.parametrize(
    ("script", "rewritten"),
    [
        ("VACUUM FULL users, orders", {"public.users", "public.orders"}),
        ("VACUUM (FULL)", {"public.users", "public.orders"}),
        ("CLUSTER", {"public.users"}),
    ],
)
def test_a_rewrite_of_many_is_told_of_all_of_them(
    traced: Tracing, script: str, rewritten: set[str]
) -> None:
    with traced(f"{TABLES} CLUSTER users USING users_pkey") as trace:
        _run(trace, script)
        [told] = trace.report().statements

    assert set(told.rewrites) == rewritten
    assert locks(told) == {(name, EXCLUSIVE) for name in told.rewrites}


REINDEXED = {
    "REINDEX SCHEMA public": {"users", "users_pkey", "p_1", "p_1_id_idx"},
    "REINDEX DATABASE": {"users", "users_pkey", "p_1", "p_1_id_idx"},
    "REINDEX SYSTEM": set(),
    "REINDEX TABLE p": {"p", "p_1", "p_1_id_idx"},
    "REINDEX INDEX p_id": {"p", "p_1", "p_1_id_idx"},
    "REINDEX TABLE users": {"users", "users_pkey"},
}


def test_what_reindexes_many_is_told_of_all_of_them(traced: Tracing) -> None:
    found = {}
    tables = f"{PARTED} CREATE INDEX p_id ON p (id); CREATE TABLE users (id int PRIMARY KEY)"
    with traced(tables) as trace, trace.proxied() as connection:
        for script in REINDEXED:
            connection.execute(script.encode())
            found[script] = locks(trace.report().statements[-1])

    assert found == {
        script: {
            (f"public.{name}", EXCLUSIVE if name.endswith(("idx", "pkey")) else "SHARE")
            for name in names
        }
        for script, names in REINDEXED.items()
    }


TO_BIGINT = "ALTER TABLE orders ALTER id TYPE bigint"
TO_NUMERIC = "ALTER TABLE orders ALTER id TYPE numeric"
ADDED = "ALTER TABLE orders ADD x int"
UNDONE = [(TO_BIGINT, "rolled back", "rewrites", "locks")]
STAYS = [(TO_NUMERIC, "stays", "rewrites", "locks")]
ENDED = {
    f"BEGIN; {TO_BIGINT}; ROLLBACK": UNDONE,
    f"BEGIN; {TO_NUMERIC}; COMMIT": STAYS,
    f"BEGIN; SAVEPOINT a; {TO_BIGINT}; ROLLBACK TO a; {TO_NUMERIC}; COMMIT": UNDONE + STAYS,
    f'BEGIN; SAVEPOINT a; {TO_BIGINT}; ROLLBACK WORK TO SAVEPOINT "a"; COMMIT': UNDONE,
    f"BEGIN; SAVEPOINT A; {TO_NUMERIC}; RELEASE SAVEPOINT a; COMMIT": STAYS,
    f'BEGIN; {TO_NUMERIC}; SAVEPOINT "A b"; {ADDED}; ROLLBACK TO "A b"; {ADDED}; COMMIT': [
        *STAYS,
        (ADDED, "rolled back", "", ""),
        (ADDED, "stays", "", ""),
    ],
    # What was done behind an inner one that is gone is taken back with the outer one.
    f"BEGIN; SAVEPOINT a; SAVEPOINT b; {TO_BIGINT}; RELEASE b; ROLLBACK TO a;"
    f" {TO_NUMERIC}; SAVEPOINT a; ROLLBACK TO a; COMMIT": UNDONE + STAYS,
    f"BEGIN; SAVEPOINT a; CREATE TABLE made (id int); ALTER TABLE made ALTER id TYPE bigint;"
    f" ROLLBACK TO a; {TO_NUMERIC}; ROLLBACK TO a; COMMIT": [
        ("CREATE TABLE made (id int)", "rolled back", "", ""),
        ("ALTER TABLE made ALTER id TYPE bigint", "rolled back", "", ""),
        (TO_NUMERIC, "rolled back", "rewrites", "locks"),
    ],
}


@pytest.mark.parametrize("is_one_query", [False, True])
def test_what_was_rolled_back_is_told_so(traced: Tracing, *, is_one_query: bool) -> None:
    found = {}
    for script in ENDED:
        with traced(TABLES) as trace, trace.proxied() as connection:
            for query in [script] if is_one_query else script.split("; "):
                connection.execute(query.encode())
            found[script] = [
                (
                    each.sql,
                    "rolled back" if each.rolled_back else "stays",
                    "rewrites" if each.rewrites else "",
                    "locks" if each.locks else "",
                )
                for each in trace.report().statements
            ]

    assert found == ENDED


def test_what_an_error_takes_back_is_told_so(traced: Tracing) -> None:
    with traced(TABLES) as trace:
        with trace.proxied() as connection:
            connection.execute("BEGIN; ALTER TABLE users ADD a int; SAVEPOINT s")
            for script in ("ALTER TABLE users ADD b int", "SELECT nothing", "ROLLBACK TO s"):
                with suppress(psycopg.errors.UndefinedColumn):
                    connection.execute(script.encode())
            connection.execute("INSERT INTO users VALUES (1); SAVEPOINT s2; UPDATE users SET a = 1")
            connection.execute("ROLLBACK TO s2; UPDATE users SET a = 2; RELEASE s; COMMIT")
            with pytest.raises(psycopg.errors.DivisionByZero):
                connection.execute("ALTER TABLE users ADD c int; SELECT 1 / 0")
            connection.execute(
                "ALTER TABLE orders ADD UNIQUE (id);"
                "ALTER TABLE users ADD FOREIGN KEY (id) REFERENCES orders (id) DEFERRABLE"
                " INITIALLY DEFERRED"
            )
            with pytest.raises(psycopg.errors.ForeignKeyViolation):
                connection.execute("INSERT INTO users VALUES (-1)")  # its own end comes before
            connection.execute("BEGIN; ALTER TABLE users ADD d int")
            connection.close()
        for _ in range(100):
            told = {(each.sql[:25], each.rolled_back) for each in trace.report().statements}
            if ("ALTER TABLE users ADD d i", True) in told:
                break
            time.sleep(0.05)

    assert told == {
        ("ALTER TABLE users ADD a i", False),
        ("ALTER TABLE users ADD b i", True),
        ("SELECT nothing", True),
        ("INSERT INTO users VALUES ", False),
        ("UPDATE users SET a = ?", True),
        ("UPDATE users SET a = ?", False),
        ("ALTER TABLE users ADD c i", True),
        ("SELECT ? / ?", True),
        ("ALTER TABLE orders ADD UN", False),
        ("ALTER TABLE users ADD FOR", False),
        ("INSERT INTO users VALUES ", True),
        ("ALTER TABLE users ADD d i", True),
    }


def test_a_lock_that_a_rollback_to_a_savepoint_releases_was_held_until_then(
    traced: Tracing,
) -> None:
    with traced(TABLES) as trace:
        with trace.proxied() as connection, connection.transaction():
            connection.execute("SAVEPOINT s")
            connection.execute("ALTER TABLE users ADD COLUMN age int")
            connection.execute("ROLLBACK TO s")
            connection.execute("SELECT pg_sleep(0.5)")
        [added] = (each for each in trace.report().statements if each.locks)

    assert added.held_ms < 500


def test_a_name_is_quoted_as_postgresql_does(traced: Tracing) -> None:
    names = ['public."order"', 'public."Odd.""é"', "public.plain_1", 'public."über"']
    with traced("; ".join(f"CREATE TABLE {name} (id int)" for name in names)) as trace:
        with trace.proxied() as connection:
            for name in names:
                connection.execute(f"ALTER TABLE {name} ADD x int".encode())
        told = [lock.relation for each in trace.report().statements for lock in each.locks]
        with session(trace.target) as asking:
            known = [name for kind, name in facts.read(asking) if kind == "table"]
            production = sizes.read(asking)

    assert told == names
    assert sorted(known) == sorted(production or ()) == sorted(names)


def test_a_relation_has_its_size_from_the_catalog(traced: Tracing) -> None:
    with traced(TABLES) as trace:
        _run(trace, "ALTER TABLE orders ADD x int")
        [lock] = trace.statement("ALTER TABLE").locks

    assert lock.rows == 1000
    assert lock.bytes > 8000


def test_a_partitioned_table_that_was_analyzed_has_no_bytes_of_its_own(traced: Tracing) -> None:
    with traced(f"{PARTED} INSERT INTO p VALUES (1, 1); ANALYZE p") as trace:
        _run(trace, "ALTER TABLE p ADD x int")
        told = {lock.relation: lock.bytes for lock in trace.statement("ALTER TABLE").locks}
        with session(trace.target) as asking:
            production = sizes.read(asking)

    assert told == {"public.p": 0, "public.p_1": 8192}
    assert production == {name: {"rows": 1, "bytes": 8192} for name in told}


def test_what_is_done_a_thousand_times_is_told_once(traced: Tracing) -> None:
    with traced(TABLES) as trace:
        with trace.proxied() as connection, connection.transaction():
            rows = [(number, "x") for number in range(1000)]
            connection.cursor().executemany("INSERT INTO users VALUES (%s, %s)", rows)
            for number in range(2000, 2010):
                connection.execute(
                    f"INSERT INTO users VALUES ({number}, 'it''s {number}')".encode()
                )
            connection.execute("ALTER TABLE orders ADD x int")

        bound, written = (each for each in trace.report().statements if each.sql[0] == "I")
        added = trace.statement("ALTER TABLE")

    assert (bound.times, bound.rows, bound.sql) == (1000, 1000, "INSERT INTO users VALUES ($1, $2)")
    assert (written.times, written.rows) == (10, 10)
    assert written.sql == "INSERT INTO users VALUES (?, ?)"
    assert locks(bound) == {("public.users", "ROW EXCLUSIVE")}
    assert locks(added) == {("public.orders", EXCLUSIVE)}


ADD_COLUMN = """
CREATE FUNCTION add_column(text) RETURNS void LANGUAGE plpgsql AS $$ BEGIN
EXECUTE format('ALTER TABLE %I ADD COLUMN x%s float DEFAULT random()', $1, pg_backend_pid()); END $$
"""


@pytest.mark.parametrize("is_bound", [True, False])
@pytest.mark.parametrize("is_one", [True, False])
def test_a_function_that_is_called_again_may_do_something_else(
    traced: Tracing, *, is_bound: bool, is_one: bool
) -> None:
    with traced(TABLES + ADD_COLUMN) as trace, trace.proxied(autocommit=not is_one) as connection:
        for table in ("users", "orders"):
            if is_bound:
                connection.execute("SELECT add_column(%s)", [table])
            else:
                connection.execute(f"SELECT add_column('{table}')".encode())
        connection.commit()
        told = [each for each in trace.report().statements if each.sql.startswith("SELECT")]

    assert [(each.rewrites, each.times) for each in told] == [
        (("public.users",), 1),
        (("public.orders",), 1),
    ]
    assert [locks(each) for each in told] == [{(each.rewrites[0], EXCLUSIVE)} for each in told]


def test_calls_in_one_query_are_accepted_each_by_itself(traced: Tracing) -> None:
    script = "BEGIN; -- ours\n-- coppice: ok small\nSELECT add_column('users');\nSELECT 1 + (2);\n"
    with traced(TABLES + ADD_COLUMN) as trace, trace.proxied() as connection:
        connection.execute(f"{script}SELECT add_column('orders'); SELECT 1 + (3); COMMIT".encode())
        places = placed(trace.proxy.texts(), [])
        told = [(each.rewrites, each.times) for each in trace.report().statements]

    assert told == [(("public.users",), 1), ((), 2), (("public.orders",), 1)]
    assert [each.accepted for each in places] == ["small", "", ""]


def test_a_failure_has_its_code_and_no_words(traced: Tracing) -> None:
    with traced(TABLES) as trace, trace.proxied() as connection:
        connection.execute("INSERT INTO users VALUES (1, 'secret')")
        with pytest.raises(psycopg.errors.UniqueViolation):
            connection.execute("INSERT INTO users VALUES (%s, %s)", [1, "secret"])
        report = trace.report()

    assert [each.error for each in report.statements] == [None, "23505"]
    assert "secret" not in json.dumps(report.limited())


def test_what_hides_its_locks_says_so(traced: Tracing) -> None:
    with traced(TABLES) as trace, trace.proxied() as connection:
        connection.execute("CALL p1()")
        connection.execute("ALTER TABLE orders ADD x int")
        connection.execute("SET standard_conforming_strings = off")
        connection.execute(r"ALTER TABLE orders ADD y int; SELECT '\';'")
        told = [each.may_lock_more for each in trace.report().statements]

    assert told == [True, False, True]


LONG = "-- " + "x" * 300_000 + "\n"
INCREMENT = "CREATE FUNCTION more(int) RETURNS int LANGUAGE sql RETURN $1 + 1"
NOT_CUT = {
    f"{LONG} {TO_BIGINT}": ["public.orders"],
    f"{INCREMENT}; {TO_BIGINT}; CREATE TABLE fresh (id int)": ["public.orders"],
    f"{LONG} ALTER TABLE orders ADD x int; ALTER TABLE users ADD y float DEFAULT random()": [
        "public.users"
    ],
    f"{LONG} TRUNCATE orders": [],
    f"{LONG} BEGIN; {TO_BIGINT}; ROLLBACK": [],
}


@pytest.mark.parametrize("script", NOT_CUT)
def test_what_is_sent_in_a_piece_that_is_not_cut_is_said_and_its_rewrites_are_found(
    traced: Tracing, script: str
) -> None:
    with traced(TABLES) as trace:
        with trace.proxied() as connection:
            connection.execute(TO_NUMERIC.replace("orders", "users").encode())
            connection.execute(script.encode())
        with session(trace.target) as asking:
            report = trace.proxy.report(asking)

    assert [list(each.rewrites) for each in report.statements] == [
        ["public.users"],
        NOT_CUT[script],
    ]
    assert "could not be told apart" in (report.untraced or "")
    assert [each.untraced for each in report.connections] == [report.untraced]


WIDE = """
CREATE TABLE wide (id int, body text STORAGE EXTERNAL);
INSERT INTO wide SELECT n, repeat('x', 10_000) FROM generate_series(1, 100) AS n;
"""
MEASURED = """
CREATE TABLE kept (id int); INSERT INTO kept SELECT generate_series(1, 1000); VACUUM ANALYZE kept;
CREATE TABLE unknown (id int); INSERT INTO unknown SELECT generate_series(1, 1000);
CREATE TABLE empty (id int);
"""


def test_sizes_are_real_where_nobody_wrote_them_down(traced: Tracing) -> None:
    with traced("") as trace, trace.direct() as connection, session(trace.target) as asking:
        for script in f"{WIDE} {MEASURED} {PARTED} INSERT INTO p VALUES (1, 1)".split(";"):
            connection.execute(script.encode())
        first = sizes.read(asking)
        connection.execute("VACUUM ANALYZE")
        second = sizes.read(asking)
        known = relations.read(asking).named("wide")

    assert first is not None
    assert second is not None
    assert {name: each["bytes"] for name, each in first.items()} == {
        name: each["bytes"] for name, each in second.items()
    }
    assert first["public.unknown"]["bytes"] == second["public.kept"]["bytes"] == 40960
    assert (first["public.unknown"]["rows"], first["public.empty"]["bytes"]) == (-1, 0)
    assert first["public.p"]["bytes"] == first["public.p_1"]["bytes"] == 8192
    assert second["public.wide"]["bytes"] > 1_000_000
    assert known is not None
    assert known.bytes == second["public.wide"]["bytes"]


def test_sizes_are_read_behind_no_lock(traced: Tracing) -> None:
    """Of what is locked they stay unknown; of what is locked in just that moment, for all."""
    with (
        traced(f"{TABLES} {WIDE}") as trace,
        trace.direct(autocommit=False) as other,
        session(trace.target) as asking,
    ):
        other.execute("LOCK TABLE wide")
        began_at = time.monotonic()
        found = sizes.read(asking)
        assert time.monotonic() - began_at < 5

    assert found is not None
    assert found["public.users"] == {"rows": -1, "bytes": 0}
    assert found["public.wide"]["rows"] == -1


@pytest.mark.parametrize("encoding", ["UTF8", "SJIS"])
def test_values_are_not_told_where_nobody_knows_where_they_end(
    traced: Tracing, encoding: str
) -> None:
    value = rb"'O\'Brien secret'"
    with traced(TABLES) as trace, trace.proxied(client_encoding=encoding) as connection:
        connection.execute(b"SET backslash_quote = on")
        connection.execute(b"SET standard_conforming_strings = off")
        connection.execute(b"SELECT " + value)
        connection.execute(b"SELECT " + value + b", %s::int", [1])
        connection.execute(b"SET standard_conforming_strings = on")
        connection.execute(b"SELECT 'secret'")
        told = [each.sql for each in trace.report().statements if each.sql[:3] != "SET"]

    last = "SELECT ?" if encoding == "UTF8" else "SELECT ..."
    assert told == ["SELECT ...", "SELECT ...", last]


def test_passwords_are_cut_out(traced: Tracing, login: Any) -> None:
    role, password = sql.Identifier(login.user), sql.Literal(login.password)
    with traced(TABLES) as trace, trace.proxied() as connection:
        connection.execute(sql.SQL("ALTER ROLE {} PASSWORD {}").format(role, password))
        report = trace.report()

    assert login.password not in json.dumps(report.limited())
    assert report.statements[0].sql.endswith("PASSWORD ?")


def test_what_is_beyond_the_limits_is_counted(traced: Tracing) -> None:
    with traced(TABLES) as trace:
        with trace.proxied() as connection, connection.transaction(), connection.pipeline():
            for number in range(MOST_STATEMENTS + 99):
                connection.execute(f"COMMENT ON TABLE users IS '{number}'".encode())
                if number == MOST_STATEMENTS - 100:
                    connection.execute("ALTER TABLE orders ADD x int")
        report = trace.report()
        told = report.limited()

    assert (len(report.statements), report.more_statements) == (MOST_STATEMENTS, 100)
    assert (
        len(json.dumps(report.limited(), ensure_ascii=False, separators=(",", ":")).encode())
        <= MOST_BYTES
    )
    assert len(told["statements"]) + told["more_statements"] == MOST_STATEMENTS + 100
    assert any(each["sql"].startswith("ALTER TABLE") for each in told["statements"])


def test_secrets_are_hidden_before_anything_is_shortened(traced: Tracing) -> None:
    secret = "S3cretS3cretS3cret"
    body = f"SELECT '{'x' * 1930}{secret}' || 'zzzzzzzzzzz"
    reason = "-- coppice: ok " + "y" * 490 + secret
    script = f"""{reason}
        CREATE FUNCTION f() RETURNS text LANGUAGE sql AS $$ {body}' $$;
        ALTER TABLE users ADD COLUMN z text DEFAULT '{"x" * 101}{secret}'"""
    with traced(TABLES) as trace:
        url = "postgres://u:p@h/d"
        with (
            session(trace.target) as beside,
            action.tracing.traced(beside, trace.target, {"DATABASE_URL": url}) as tracing,
        ):
            with connected(replace(trace.target, port=int(tracing.variables["PGPORT"]))) as client:
                client.execute(script.encode())
            report = tracing.report(beside, [secret], lambda: ())
        assert report is not None
        told = json.dumps(report.limited())

    assert "S3c" not in told
    assert len(report.limited()["statements"][0]["sql"]) == LONGEST_STATEMENT
    assert len(report.changes) == 2


def test_the_end_of_a_long_history_is_told(traced: Tracing) -> None:
    with traced(TABLES) as trace:
        with trace.proxied() as connection, connection.pipeline():
            for number in range(MOST_STATEMENTS + 600):
                connection.execute(f"COMMENT ON TABLE users IS '{number}'".encode())
            connection.execute("ALTER TABLE orders ALTER id TYPE bigint")
        report = trace.report()
        told = report.limited()

    assert (len(report.statements), report.more_statements) == (MOST_STATEMENTS, 601)
    assert len(trace.proxy.texts()) == MOST_STATEMENTS
    assert report.statements[-1].rewrites == ("public.orders",)
    assert told["statements"][-1]["rewrites"] == ("public.orders",)


def test_the_strongest_locks_are_told_of_a_statement_with_many(traced: Tracing) -> None:
    tables = " ".join(f"CREATE TABLE many.t{number} (id int);" for number in range(MOST_RELATIONS))
    with traced(
        f"{TABLES} DROP SCHEMA IF EXISTS many CASCADE; CREATE SCHEMA many; {tables}"
    ) as trace:
        _run(trace, f"DO $$ BEGIN EXECUTE 'LOCK TABLE orders'; {_SHARED} END $$")
        [told] = trace.report().limited()["statements"]
        _run(trace, "DROP SCHEMA many CASCADE")

    assert (len(told["locks"]), told["more_relations"]) == (MOST_RELATIONS, 1)
    assert (told["locks"][0]["relation"], told["locks"][0]["mode"]) == ("public.orders", EXCLUSIVE)


_SHARED = """
FOR i IN 0..499 LOOP EXECUTE format('LOCK TABLE many.t%s IN SHARE MODE', i); END LOOP;
"""


def test_what_each_transaction_writes_is_measured(traced: Tracing) -> None:
    """Of the last one when its connection ends; one that gets no look counts with those beside."""
    rows = "INSERT INTO orders SELECT n, n FROM generate_series({}, {}) AS n"
    with traced(TABLES) as trace:
        with trace.proxied() as connection:
            with connection.transaction():
                connection.execute(rows.format(1, 5000).encode())
                connection.execute("ALTER TABLE orders ADD COLUMN first int")
            connection.execute("SET lock_timeout = '1s'")
            connection.execute("ALTER TABLE orders ADD COLUMN second int")
            connection.execute("ALTER TABLE orders ADD COLUMN third int")
            with connection.cursor().copy("COPY orders (id) FROM STDIN") as copy:
                copy.write("".join(f"{n}\n" for n in range(6000, 8000)))
            connection.execute(rows.format(10_001, 20_000).encode())
        for _ in range(100):
            if trace.report().wal_bytes is not None:
                break
            time.sleep(0.05)
        report = trace.report()

    numbers = list(dict.fromkeys(each.transaction for each in report.statements))
    told = [(each.first, each.last, each.count) for each in report.transactions]
    written = [each.wal_bytes for each in report.transactions]
    first, second, third, _, last = numbers
    assert told == [(first, first, 1), (second, second, 1), (third, last, 3)]
    assert 250_000 < written[0] < 5_000_000
    assert 0 < written[1] < 100_000
    assert 600_000 < written[2] < 10_000_000
    assert sum(written) == report.wal_bytes


def test_a_serializable_transaction_is_traced_as_any_other(traced: Tracing) -> None:
    with traced(TABLES) as trace:
        begin = "BEGIN ISOLATION LEVEL SERIALIZABLE; SELECT * FROM orders"
        _run(trace, f"{begin}; ALTER TABLE orders ADD b int; COMMIT")

        assert [lock.mode for lock in trace.statement("ALTER TABLE").locks] == [EXCLUSIVE]
        assert trace.report().untraced is None


def test_the_connections_of_a_command_are_told(
    traced: Tracing, new_login: Callable[[], Target]
) -> None:
    another = new_login().database
    with traced(TABLES) as trace:
        with trace.proxied(application_name="tool") as connection:
            connection.execute("SELECT 1")
        with trace.proxied(dbname=another) as other:
            assert other.info.dbname == another
        report = trace.report()
        remarks = trace.proxy.remarks

    assert remarks == [f'A connection went to another database, "{another}".']
    told = {
        each.database: (each.user, each.statements, each.untraced) for each in report.connections
    }
    assert told == {
        trace.target.database: (trace.target.user, 1, None),
        another: (trace.target.user, 0, "it is another database"),
    }


def test_what_a_command_does_at_once_is_told_as_a_change(new_login: Callable[[], Target]) -> None:
    target = new_login()
    with connected(target) as connection:
        connection.execute("CREATE TABLE t (a int); CREATE VIEW v AS SELECT a FROM t")
    with session(target) as beside, connected(target, autocommit=False) as other:
        other.execute("LOCK TABLE t")  # whoever reads the schema waits for that, a second at most
        unlock = threading.Timer(0.3, other.rollback)
        unlock.start()
        with action.tracing.traced(beside, target, {"DATABASE_URL": "postgresql://d"}) as way:
            assert way.proxy is not None
            through = replace(target, host=way.proxy.host, port=way.proxy.port)
            with connected(through) as connection:
                connection.execute("CREATE TABLE made (a int)")
        unlock.join()
        report = way.report(beside, [], lambda: ())
        cancelled = way.report(None, [], lambda: ())

    assert report is not None
    assert [each.text for each in report.changes] == ["table public.made: added"]
    assert [each.sql for each in report.statements] == ["CREATE TABLE made (a int)"]
    assert cancelled is not None
    assert cancelled.statements == report.statements
    assert cancelled.changes_unknown == action.tracing.NO_CATALOG


def test_an_empty_database_was_empty_also_if_nobody_reads_what_became_of_it(
    traced: Tracing,
) -> None:
    with (
        traced("") as trace,
        session(trace.target) as beside,
        action.tracing.traced(beside, trace.target, {"DATABASE_URL": "postgresql://d"}) as way,
    ):
        assert way.proxy is not None
        with connected(replace(trace.target, port=way.proxy.port)) as client:
            client.execute("CREATE TABLE made (a int)")
        report = way.report(None, [], lambda: ())

    assert report is not None
    assert (report.was_empty, report.changes_unknown) == (True, action.tracing.NO_CATALOG)


def test_a_fault_of_the_trace_loses_nothing_but_the_trace(traced: Tracing) -> None:
    def broken() -> str:
        raise LookupError

    with traced(TABLES) as trace:
        _run(trace, "ALTER TABLE users ADD a int")
        told = action.tracing.Tracing(variables={}, proxy=trace.proxy, before=broken)
        report = told.report(None, (), lambda: ())

    assert report is not None
    assert report.untraced == "a fault of the trace itself (LookupError)"
    assert told.kept_out(()) == ""

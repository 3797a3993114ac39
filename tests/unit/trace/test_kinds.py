"""What a statement's text tells of it."""

import time

import pytest

from pgwire.trace.kinds import Kind, gone, kind_of_statement


def kind(text: str) -> Kind:
    return kind_of_statement(text.encode())


@pytest.mark.parametrize(
    "text",
    [
        "alter table t add x int",
        "/* c */ create index on t (a)",
        "insert into t values (1)",
        "with x as (select 1) select * from x",
        "(select 1) union (select 2)",
        "do $$ begin end $$",
        "reindex table t",
        "refresh materialized view concurrently m",
        "truncate t",
        "execute p",
        "explain analyze select 1",
        "alter type t rename to u",
    ],
)
def test_what_locks_gets_a_look(text: str) -> None:
    assert kind(text).gets_look


@pytest.mark.parametrize(
    "text",
    [
        *("begin", "START TRANSACTION", "commit", "end", "rollback to s", "savepoint s"),
        *("set transaction isolation level serializable", "show x", "lock t", "copy t from stdin"),
        *("vacuum", "analyze t", "fetch all from c", "discard all", "prepare transaction 'x'"),
        *("create database d", "drop tablespace s", "alter system set x = 1", "cluster"),
        *("create unique index concurrently i on t (a)", "drop index concurrently i"),
        *("reindex (verbose) table concurrently t", "reindex schema s"),
        *("alter table t detach partition p concurrently", "alter type t add value 'x'", "", "--"),
    ],
)
def test_no_look_goes_where_it_would_change_what_happens(text: str) -> None:
    assert not kind(text).gets_look


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("lock t", [("t", "ACCESS EXCLUSIVE")]),
        ("LOCK TABLE ONLY a.t, \"U v\" * IN SHARE  ROW EXCLUSIVE MODE NOWAIT;",
         [("a.t", "SHARE ROW EXCLUSIVE"), ('"U v"', "SHARE ROW EXCLUSIVE")]),
        ("/* c */ copy a.t (x) from stdin with (format csv)", [("a.t", "ROW EXCLUSIVE")]),
        ("copy t to stdout", []),
        ("copy (select 1 from t) to stdout", []),
        ("vacuum", []),
        ("vacuum full verbose t", [("t", "ACCESS EXCLUSIVE")]),
        ("vacuum full a.t (x, y), u", [("a.t", "ACCESS EXCLUSIVE"), ("u", "ACCESS EXCLUSIVE")]),
        ("vacuum (full off, analyze) t, u",
         [("t", "SHARE UPDATE EXCLUSIVE"), ("u", "SHARE UPDATE EXCLUSIVE")]),
        ("vacuum (full, analyze) t", [("t", "ACCESS EXCLUSIVE")]),
        ("analyze verbose t (a, b)", [("t", "SHARE UPDATE EXCLUSIVE")]),
        ("create index concurrently if not exists i on only s.t (a)",
         [("s.t", "SHARE UPDATE EXCLUSIVE")]),
        ("reindex (verbose, concurrently) table t", [("t", "SHARE UPDATE EXCLUSIVE")]),
        ("reindex schema s", [("s.*", "SHARE")]),
        ("reindex (verbose) schema concurrently s", [("s.*", "SHARE UPDATE EXCLUSIVE")]),
        ("reindex database", [("*", "SHARE")]),
        ("reindex system d", []),
        ("reindex table t", [("t", "SHARE")]),
        ("vacuum full", [("*", "ACCESS EXCLUSIVE")]),
        ("cluster verbose", [("*", "ACCESS EXCLUSIVE")]),
        ("cluster (verbose) s.t using i", [("s.t", "ACCESS EXCLUSIVE")]),
        ("drop index concurrently if exists s.i", [("s.i", "SHARE UPDATE EXCLUSIVE")]),
        ("reindex index concurrently i", [("i", "SHARE UPDATE EXCLUSIVE")]),
        ("alter table t detach partition p concurrently", [("t", "SHARE UPDATE EXCLUSIVE")]),
        ("create table t (a int)", []),
    ],
)  # fmt: skip
def test_locks_are_told_by_the_text_where_no_look_sees_them(
    text: str, told: list[tuple[str, str]]
) -> None:
    assert list(kind(text).told) == told


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("vacuum full", True), ("vacuum (verbose, full)", True), ("cluster", True)),
        *(("vacuum full t, u", True), ("vacuum (full false)", False), ("vacuum", False)),
        *(("analyze", False), ("lock t", False), ("reindex schema s", False)),
    ],
)
def test_a_rewrite_is_told_by_the_text_where_no_look_goes(text: str, *, expected: bool) -> None:
    assert kind(text).tells_rewrite == expected


@pytest.mark.parametrize(
    "text",
    [
        *("set x = 1", "begin", "copy t (a) from stdin", "lock t in share mode", "vacuum t, u"),
        *("create index concurrently i on t (a)", "reindex table concurrently t", "set x = e'a'"),
    ],
)
@pytest.mark.parametrize("between", ["/* a */\n", "-- a\n", "-- ", "\t", "/*/**/*/"])
def test_a_text_is_read_in_a_moment_whatever_stands_between_its_words(
    text: str, between: str
) -> None:
    began = time.perf_counter()

    found = kind(f" {between * 200}\n".join(["", *text.split(), "x"]))

    assert found.head == text.split()[0].upper()
    assert time.perf_counter() - began < 5


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("commit and chain", True), ("end", True), ("rollback work", True), ("abort", True)),
        *(("prepare transaction 'x'", True), ("prepare x as select 1", False)),
        *(("rollback to s", False), ("rollback work to savepoint s", False)),
        *(("commit prepared 'x'", False), ("begin", False), ("select 1", False)),
    ],
)
def test_the_end_of_a_transaction_is_known(text: str, *, expected: bool) -> None:
    assert kind(text).ends_transaction == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        *(("savepoint s", "s"), ("/* c */ SAVEPOINT S$1;", "s$1"), ('savepoint"a ""B"', 'a "B')),
        *(("release savepoint savepoint_1", "savepoint_1"), ("release savepoint_1", "savepoint_1")),
        *(("release savepoint", "savepoint"), ("savepoint savepoint", "savepoint")),
        *(("rollback to s", "s"), ('rollback work to/**/savepoint "s"', "s")),
        *(("rollback transaction to savepoint to_it", "to_it"), ("rollback", ""), ("commit", "")),
        *(("rollback work", ""), ("rollback and chain", ""), ("rollback prepared 's'", "")),
    ],
)
def test_a_savepoint_is_known_by_its_name(text: str, name: str) -> None:
    assert kind(text).savepoint == name


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        *(("select 1", True), ("values (1)", True), ("with x as (select 1) select 2", True)),
        *(("with x as (insert into t values (1) returning a) select a from x", False),),
        *(("insert into t values (1) returning a", False), ("explain select 1", False)),
    ],
)
def test_whose_rows_are_described_before_they_are_found(text: str, *, expected: bool) -> None:
    assert kind(text).streams_rows == expected


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ('drop table if exists A, s."T t" cascade', ["public.a", 's."T t"']),
        ('ALTER TABLE ONLY "order" RENAME TO b', ["public.order"]),
        *((f"alter table a rename {what} to c", []) for what in ("b", "column b", "constraint b")),
        *((text, []) for text in ("drop index a", "alter table a add b int", "drop", "", "select")),
    ],
)
def test_which_tables_go_is_known_by_what_they_are_called(text: str, names: list[str]) -> None:
    assert gone(text.encode()) == names


@pytest.mark.parametrize(
    ("text", "only_reads"),
    [
        *((text, True) for text in ("begin", "set x to 1", "table t", "", "select a from t")),
        ("select exists (select from pg_class where relname in ('t')), count(*)", True),
        ("SELECT pg_catalog.set_config('search_path', '', false)", True),
        *(
            (text, False)
            for text in ("insert into t values (1)", "call p()", "commit prepared 'x'")
        ),
        *((text, False) for text in ("select migrate()", 'select "f"()', "select a into b from t")),
        ("with x as (delete from t returning a) select a from x", False),
    ],
)
def test_what_cannot_change_the_schema_is_told(text: str, *, only_reads: bool) -> None:
    assert kind_of_statement(text.encode()).only_reads == only_reads

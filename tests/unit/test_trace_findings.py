"""What is found in a trace: on production's tables, by the assignment's rules."""

from dataclasses import replace
from typing import Any

import pytest

from app.core import thresholds
from app.core.assignments import Policies
from app.core.trace_findings import judge, short, with_acceptance_that_counts
from app.core.traces import Blocks, Lock, Size, Statement, Trace

USERS = "public.users"
PRODUCTION = {
    USERS: Size(rows=1_200_000, bytes=310 * 1024**2),
    "public.new": Size(rows=-1, bytes=0),
}
STRICT = Policies(no_rewrite_above="100MB", no_block_above="1000000")


def lock(mode: str = "ACCESS EXCLUSIVE", relation: str = USERS, kind: str = "r") -> Lock:
    return Lock(relation=relation, kind=kind, mode=mode, rows=0, bytes=0)


def statement(*locks: Lock, **changes: Any) -> Statement:
    told: dict[str, Any] = {
        "sql": "ALTER TABLE users ADD a int",
        "ms": 0.5,
        "held_ms": 0.6,
        "transaction": 1,
    }
    return Statement(**told | {"locks": locks} | changes)


def trace(*statements: Statement) -> Trace:
    return Trace(statements=statements)


@pytest.mark.parametrize(
    ("one", "found"),
    [
        (statement(lock()), [(USERS, False, Blocks.READS)]),
        (statement(lock("SHARE")), [(USERS, False, Blocks.WRITES)]),
        (statement(lock("SHARE"), lock("ACCESS EXCLUSIVE")), [(USERS, False, Blocks.READS)]),
        (statement(lock(), rewrites=(USERS,)), [(USERS, True, Blocks.READS)]),
        (statement(rewrites=(USERS,)), [(USERS, True, Blocks.READS)]),
        (statement(lock(kind="p")), [(USERS, False, Blocks.READS)]),
        (statement(lock(kind="m")), [(USERS, False, Blocks.READS)]),
        (statement(lock("EXCLUSIVE", kind="m")), []),
        (statement(lock(kind="i")), []),
        (statement(lock("ROW EXCLUSIVE")), []),
        (statement(lock("SHARE UPDATE EXCLUSIVE")), []),
        (statement(lock(relation="public.of_this_branch")), []),
        (statement(), []),
    ],
)
def test_what_blocks_or_rewrites_a_table_of_production_is_found(
    one: Statement, found: list[tuple[str, bool, Blocks]]
) -> None:
    findings = judge(trace(one), PRODUCTION, Policies()).findings

    assert [(each.table, each.is_rewritten, each.blocks) for each in findings] == found


def test_what_is_told_again_later_is_short_and_finds_the_same() -> None:
    whole = trace(
        statement(sql="SELECT a FROM users"),
        statement(lock("ROW EXCLUSIVE"), sql="UPDATE users SET b = ?"),
        statement(lock(), lock("SHARE", relation="public.i", kind="i")),
        statement(sql="UPDATE users SET a = ?"),
        statement(sql="INSERT INTO versions VALUES (?)"),
        statement(sql="UPDATE users SET a = ?", transaction=2),
    )

    kept = short(whole)

    assert kept.statements == whole.statements[2:4]
    found = [judge(Trace(), PRODUCTION, Policies(), others=[one]).findings for one in (whole, kept)]
    assert found[0] == found[1] != ()


def test_a_keyword_is_the_same_name_without_its_quotes() -> None:
    """As the Action writes the name of a table that the command made and dropped."""
    sizes = {'public."order"': Size(rows=1, bytes=8192)}
    going = statement(lock(relation="public.order"), sql='DROP TABLE "order"')

    [finding] = judge(trace(going), sizes, Policies()).findings

    assert (finding.production.rows, finding.way.kind) == (1, "A table that goes")


def test_nothing_is_found_before_production_is_known() -> None:
    judged = judge(trace(statement(lock())), None, STRICT)

    assert (judged.findings, [each.table for each in judged.told]) == ((), [USERS])


@pytest.mark.parametrize(
    ("policies", "broken"),
    [
        (Policies(), ()),
        (STRICT, ("--no-rewrite-above 100MB", "--no-block-above 1000000")),
        (Policies(no_rewrite_above="310MB"), ()),
        (Policies(no_rewrite_above="1199999"), ("--no-rewrite-above 1199999",)),
        (Policies(no_block_above="1GB"), ()),
        (Policies(no_block_above="1"), ("--no-block-above 1",)),
    ],
)
def test_a_rule_is_broken_above_its_amount(policies: Policies, broken: tuple[str, ...]) -> None:
    [finding] = judge(trace(statement(lock(), rewrites=(USERS,))), PRODUCTION, policies).findings

    assert (finding.broken, finding.fails) == (broken, bool(broken))


def test_a_lock_breaks_no_rule_on_rewrites() -> None:
    policies = Policies(no_rewrite_above="1")

    assert judge(trace(statement(lock())), PRODUCTION, policies).failing == ()


@pytest.mark.parametrize(
    ("amount", "rows", "size", "is_passed"),
    [
        ("1000", -1, 0, None),
        ("100MB", -1, 0, None),
        ("1000", -1, 8192, False),
        ("1000", -1, 10 * 8192, None),
        ("100MB", -1, 8192, False),
        ("1000", 0, 0, False),
        ("1000", 1001, 0, True),
    ],
)
def test_a_table_that_nobody_looked_at_is_not_taken_for_a_small_one(
    amount: str, rows: int, size: int, is_passed: bool | None
) -> None:
    threshold = thresholds.parse(amount)
    assert threshold is not None

    assert threshold.is_passed_by(Size(rows=rows, bytes=size)) is is_passed


@pytest.mark.parametrize(
    ("behind", "under"),
    [
        ({"sql": "UPDATE users SET a = id"}, True),
        ({"sql": 'DELETE FROM "users"'}, True),
        ({"sql": "SELECT count(*) FROM users"}, True),
        ({"sql": "COPY users FROM STDIN"}, True),
        ({"sql": "CALL backfill()"}, True),
        ({"sql": "DO $$ BEGIN UPDATE users SET a = 1; END $$"}, True),
        ({"sql": "INSERT INTO orders SELECT * FROM users"}, True),
        ({"sql": "UPDATE orders SET a = id"}, True),
        ({"sql": "ALTER TABLE users VALIDATE CONSTRAINT a"}, True),
        ({"sql": "ALTER TABLE users\n ALTER a SET NOT NULL"}, True),
        ({"sql": "CREATE UNIQUE INDEX i ON users (a)"}, True),
        ({"sql": "ALTER TABLE users ALTER b TYPE bigint", "rewrites": (USERS,)}, True),
        ({"sql": "ALTER TABLE users ADD CHECK (a > 0) NOT VALID"}, False),
        ({"sql": "ALTER TABLE users ADD b int"}, False),
        ({"sql": "UPDATE alembic_version SET version_num = ?"}, False),
        ({"sql": "INSERT INTO users VALUES (?)"}, False),
        ({"sql": "UPDATE users SET a = id", "transaction": 2}, False),
    ],
)
def test_what_works_on_rows_behind_a_lock_in_its_transaction_holds_it(
    behind: dict[str, Any], under: bool
) -> None:
    """Here it took no time, where there may be no rows."""
    sizes = PRODUCTION | {"public.orders": Size(rows=10**6, bytes=10**8)}
    later = statement(**behind)

    found = judge(trace(statement(lock()), later), sizes, Policies()).findings

    first = next(one for one in found if one.statement.locks)
    assert (first.under, first.is_held_on) == ((later.sql,) if under else (), under)


@pytest.mark.parametrize(("is_committed", "number"), [(True, 1), (False, 2)])
def test_a_statement_that_was_rolled_back_and_tried_again_counts_once(
    is_committed: bool, number: int
) -> None:
    tried = statement(lock(), rolled_back=True)
    again = statement(lock(), transaction=2, rolled_back=not is_committed)

    found = judge(trace(tried, again), PRODUCTION, Policies()).findings

    assert [one.statement.transaction for one in found] == ([2] if is_committed else [1, 2])
    assert len(found) == number


def test_what_is_accepted_breaks_a_rule_and_fails_nothing() -> None:
    judged = judge(trace(statement(lock(), accepted="at night")), PRODUCTION, STRICT)

    assert [(one.broken, one.statement.accepted) for one in judged.findings] == [
        (("--no-block-above 1000000",), "at night")
    ]
    assert judged.failing == ()


def test_what_fails_comes_first_and_what_is_accepted_last() -> None:
    judged = judge(
        trace(
            statement(lock(), rewrites=(USERS,), accepted="yes", sql="1"),
            statement(lock(relation="public.new"), sql="2"),
            statement(lock("SHARE"), sql="3"),
        ),
        PRODUCTION,
        STRICT,
    )

    assert [one.statement.sql for one in judged.findings] == ["3", "2", "1"]
    assert [one.statement.sql for one in judged.touches] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("ms", "held_ms", "is_held_on"), [(0.5, 1000, True), (0.5, 20, False), (900, 1000, False)]
)
def test_a_lock_that_outlasts_its_statement_is_held_on(
    ms: float, held_ms: float, is_held_on: bool
) -> None:
    [finding] = judge(
        trace(statement(lock(), ms=ms, held_ms=held_ms)), PRODUCTION, Policies()
    ).findings

    assert finding.is_held_on is is_held_on


@pytest.mark.parametrize(
    ("one", "is_untraced"),
    [
        (Trace(untraced="no connection"), True),
        (Trace(untraced="not all", statements=(statement(),)), False),
        (Trace(), False),
    ],
)
def test_a_trace_of_nothing_is_told_apart(one: Trace, is_untraced: bool) -> None:
    assert judge(one, PRODUCTION, Policies()).is_untraced is is_untraced


@pytest.mark.parametrize(
    ("behind", "accepted"),
    [
        ({}, "quick"),
        ({"sql": "ALTER TABLE users ADD CHECK (a > 0)"}, ""),
        ({"sql": "ALTER TABLE users ADD CHECK (a > 0)", "accepted": "small"}, "quick"),
        ({"sql": "ALTER TABLE users ADD CHECK (a > 0)", "transaction": 2}, "quick"),
        ({"sql": "ALTER TABLE users_old ADD CHECK (a > 0)"}, "quick"),
        ({"sql": "UPDATE users SET a = ?", "tag": "UPDATE 1"}, ""),
        ({"sql": "SELECT f(a) FROM users", "tag": "SELECT 1"}, ""),
        ({"sql": "CALL backfill()", "tag": "CALL"}, ""),
        ({"sql": "UPDATE others SET a = ?", "tag": "UPDATE 1"}, "quick"),
    ],
)
def test_who_accepts_a_statement_accepts_nothing_that_follows_under_its_lock(
    behind: dict[str, Any], accepted: str
) -> None:
    first = statement(lock(), accepted="quick", tag="ALTER TABLE")
    others = [replace(statement(tag="ALTER TABLE"), **behind)] if behind else []

    kept = with_acceptance_that_counts(trace(first, *others))

    assert kept.statements == (replace(first, accepted=accepted), *others)


def test_the_same_words_about_another_table_are_another_statement() -> None:
    big, small = statement(lock(), sql="SELECT f(?)"), statement(sql="SELECT f(?)")

    judged = judge(trace(small), PRODUCTION, Policies(), others=[trace(big, small)])

    assert [(one.table, one.is_earlier) for one in judged.findings] == [(USERS, True)]


def test_a_statement_is_told_once_though_one_trace_names_an_index_too() -> None:
    """Of a table that the command made itself, its indexes are seen as well."""
    named = statement(lock(), lock(relation="public.users_pkey", kind="i"))

    judged = judge(trace(named), PRODUCTION, Policies(), others=[trace(statement(lock()))])

    assert [one.is_earlier for one in judged.findings] == [False]

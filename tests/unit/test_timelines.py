"""The time line of locks: where rows, bars and ticks stand."""

import pytest

from app.core.timelines import MOST_BARS, MOST_ROWS, Timeline, timeline
from app.core.traces import Blocks, Lock, Statement, Trace


def lock(relation: str = "public.users", mode: str = "ACCESS EXCLUSIVE", kind: str = "r") -> Lock:
    return Lock(relation=relation, kind=kind, mode=mode, rows=0, bytes=0)


def statement(
    *locks: Lock, at: float = 0, ms: float = 1, held: float = 100, rewrites: tuple[str, ...] = ()
) -> Statement:
    return Statement(
        sql="ALTER TABLE users ADD a int",
        at_ms=at,
        ms=ms,
        held_ms=held,
        transaction=1,
        locks=locks,
        rewrites=rewrites,
    )


def drawn(*statements: Statement) -> Timeline:
    found = timeline(Trace(statements=statements))
    assert found is not None
    return found


def test_a_bar_begins_with_its_statement_and_is_as_long_as_its_lock_was_held() -> None:
    [row] = drawn(statement(lock(), at=500, ms=100, held=500)).rows

    [bar] = row.bars
    assert (bar.x, bar.width, bar.own) == (50, 50, 10)


def test_each_table_has_a_row_and_what_blocks_most_is_first() -> None:
    found = drawn(
        statement(lock("a", "ROW EXCLUSIVE"), held=900),
        statement(lock("b", "SHARE"), lock("c"), held=5),
        statement(lock("d"), held=7, rewrites=("d",)),
    )

    told = [(row.relation, row.blocks, row.held_ms, row.is_rewritten) for row in found.rows]
    assert told == [
        ("d", Blocks.READS, 7, True),
        ("c", Blocks.READS, 5, False),
        ("b", Blocks.WRITES, 5, False),
        ("a", Blocks.NOTHING, 900, False),
    ]
    assert [row.y for row in found.rows] == sorted({row.y for row in found.rows})


def test_a_long_name_keeps_both_of_its_ends() -> None:
    [row] = drawn(statement(lock("public." + "x" * 50 + "_archive"))).rows

    assert len(row.name) == 36
    assert row.name.startswith("public.xxx")
    assert row.name.endswith("xxx_archive")


def test_indexes_and_sequences_have_no_row() -> None:
    kinds = {kind: lock(kind, kind=kind) for kind in "rpmvfiISct"}

    rows = drawn(statement(*kinds.values())).rows

    assert {row.relation for row in rows} == set("rpmvf")
    assert timeline(Trace(statements=(statement(kinds["i"]),))) is None


def test_locks_at_the_same_time_stand_below_each_other() -> None:
    [row] = drawn(
        statement(lock(mode="SHARE"), at=0, held=50),
        statement(lock(), at=40, held=60),
        statement(lock(), at=50, held=10),
    ).rows

    first, second, third = row.bars
    assert first.y < second.y
    assert third.y == first.y


@pytest.mark.parametrize("held", [0, 0.004, 3, 1234.5, 90_000, 1e9])
def test_everything_stays_inside_however_long_it_took(held: float) -> None:
    found = drawn(*(statement(lock(), at=number * held / 9, held=held) for number in range(9)))

    [row] = found.rows
    assert all(0 <= bar.x <= bar.x + bar.own <= bar.x + bar.width <= 100.01 for bar in row.bars)
    assert all(bar.own > 0 and bar.y < found.height for bar in row.bars)
    assert 2 <= len(found.ticks) <= 5
    assert all(0 <= tick.x <= 100 for tick in found.ticks)


@pytest.mark.parametrize(
    ("held", "ticks"),
    [(3.5, [0, 1, 2, 3]), (1000, [0, 500, 1000]), (100_000, [0, 30_000, 60_000, 90_000])],
)
def test_the_axis_has_round_numbers(held: float, ticks: list[float]) -> None:
    assert [tick.ms for tick in drawn(statement(lock(), held=held)).ticks] == ticks


def test_what_is_too_much_to_look_at_is_counted() -> None:
    many = [statement(lock(f"t{number}")) for number in range(MOST_ROWS + 3)]
    often = [statement(lock("t0", "SHARE"), at=number) for number in range(MOST_BARS + 1)]

    found = drawn(*many, *often)

    assert (len(found.rows), found.more_rows) == (MOST_ROWS, 3)
    assert (len(found.rows[0].bars), found.rows[0].more_bars) == (MOST_BARS, 2)

"""What two looks at a database's count of sessions prove."""

from dataclasses import replace

import pytest

from pgwire.beside.attendance import Look, look_in, may_prove, nobody_came

PID = 4242
ALONE = Look(mates=0, strangers=0, sessions=9, reset=None, process_id=PID, is_standby=False)


def test_an_unchanged_count_proves_that_nobody_came() -> None:
    assert may_prove(ALONE, process_id=PID)
    assert nobody_came(ALONE, ALONE)


@pytest.mark.parametrize(
    "changes",
    [
        {"mates": 1},
        {"strangers": 1},  # an application that is live
        {"sessions": 0},  # nobody counts here
        {"is_standby": True},
    ],
)
def test_a_first_look_that_proves_nothing(changes: dict[str, object]) -> None:
    assert not may_prove(replace(ALONE, **changes), process_id=PID)  # type: ignore[arg-type]


@pytest.mark.parametrize("told", [0, 1, -PID])
def test_behind_a_pooler_nothing_is_proved(told: int) -> None:
    assert not may_prove(ALONE, process_id=told)


@pytest.mark.parametrize(
    "changes",
    [
        {"sessions": 10},
        {"sessions": 8},
        {"reset": "2026-11-29 12:00:00+00"},
        {"process_id": 1},
        {"mates": 1},
        {"strangers": 2},
        {"is_standby": True},
    ],
)
def test_a_second_look_that_proves_nothing(changes: dict[str, object]) -> None:
    assert not nobody_came(ALONE, replace(ALONE, **changes))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("others", "count"),
    [
        ([], [["9", None, "1", "false"]]),
        ([["0", "0"]], []),
        ([["0", "0"]], [[None, None, "1", "false"]]),
        ([["0", "0"]], [["many", None, "1", "false"]]),
        ([[None, "0"]], [["9", None, "1", "false"]]),
    ],
)
def test_an_answer_that_is_none_is_refused(
    others: list[list[str | None]], count: list[list[str | None]]
) -> None:
    with pytest.raises(ValueError, match=r"unpack|int\(\)"):
        look_in(others, count)


def test_what_is_not_plainly_no_standby_counts_as_one() -> None:
    assert look_in([["0", "0"]], [["9", None, "1", None]]).is_standby

"""Where looks are put, and what their answers mean."""

import pytest

from pgwire.messages import Message, frame, query
from pgwire.trace import look


def row(text: str) -> Message:
    data = text.encode()
    return Message(b"D", b"\0\1" + len(data).to_bytes(4, "big") + data)


def test_what_is_said_is_read() -> None:
    said = "ShareLock 20000 5,own 77 13 4096,SIReadLock 20000 5,RowShareLock 20001 "

    seen = look.seen([row(said)])

    assert (seen.microseconds, seen.process_id, seen.written) == (13, 77, 4096)
    assert sorted(seen.locks()) == [(20000, "SHARE", 5), (20001, "ROW SHARE", None)]


def test_what_the_look_before_said_too_is_left_out() -> None:
    before = look.seen([row("own 77 13,ShareLock 20000 5,ShareLock 20001 6")])

    seen = look.seen([row("own 77 13,ShareLock 20001 7,ShareLock 20000 5")])

    assert seen.locks(before.pieces) == [(20001, "SHARE", 7)]


def test_a_session_without_locks_has_a_time() -> None:
    """Before PostgreSQL 18, nothing is said of what it wrote."""
    seen = look.seen([row("own 77 12")])

    assert seen == look.Seen(12, frozenset(), process_id=77, written=None)


def test_the_question_is_parsed_once_in_a_session_of_its_own() -> None:
    looks = look.Looks()
    habit = look.Habit(looks, process_id=77)
    asked = [habit.next()]
    habit.answered(asked[-1].number, 77)
    asked += [habit.next(), habit.next()]  # both under way: only the latest leaves it for certain
    habit.answered(asked[1].number, 77)
    asked.append(habit.next())
    habit.answered(asked[-1].number, 77)
    asked.append(habit.next())

    assert [each.messages for each in asked] == [
        looks.once.messages,
        *[looks.first.messages] * 3,
        looks.again.messages,
    ]


def test_it_is_not_left_to_the_session_of_a_pooler() -> None:
    looks = look.Looks()
    habit = look.Habit(looks, process_id=77)

    assert not habit.answered(habit.next().number, 78)
    assert habit.next() == looks.once


@pytest.mark.parametrize(
    "message",
    [
        query("do $$ begin execute 'Deallocate all'; end $$"),
        query("select count(*) from pg_prepared_statements"),
        frame(b"P", look.NAME + b"\0select 1\0\0\0"),
        query("x" * 400_000),
    ],
)
def test_nothing_is_left_where_a_text_may_end_or_count_it(message: bytes) -> None:
    looks = look.Looks()
    habit = look.Habit(looks, process_id=77)
    habit.answered(0, 77)
    habit.answered(habit.next().number, 77)
    another = look.Habit(looks, process_id=78)

    assert (habit.is_unsettled_by(query("select 1")), habit.next()) == (False, looks.again)
    assert (habit.is_unsettled_by(message), habit.next()) == (True, looks.once)
    another.answered(0, 78)
    assert another.next() == looks.once


@pytest.mark.parametrize(
    ("mode", "name"),
    [
        ("AccessExclusiveLock", "ACCESS EXCLUSIVE"),
        ("ShareUpdateExclusiveLock", "SHARE UPDATE EXCLUSIVE"),
        ("ShareLock", "SHARE"),
    ],
)
def test_modes_have_the_names_of_lock_table(mode: str, name: str) -> None:
    assert look.mode_name(mode) == name


def test_looks_are_put_behind_statements() -> None:
    sent = look.with_looks(b"a; b; c -- d", [1, 12], b"LOOK;")

    assert sent.text == b"a;LOOK; b; c -- d\n;LOOK;"


@pytest.mark.parametrize("looked_at", [[], [2], [2, 7], [2, 7, 11]])
def test_positions_are_those_of_the_clients_text(looked_at: list[int]) -> None:
    text = "é1; é2é; é3".encode()
    ends = [index for index in (3, 9, len(text)) if index]
    sent = look.with_looks(text, ends[: len(looked_at)], b"LOOK;")

    characters = sent.text.decode()

    for number, sign in enumerate("123"):
        place = next(n for n, each in enumerate(characters) if each == sign and n >= number)
        if f"é{sign}" in characters:
            place = characters.index(f"é{sign}") + 1
        assert sent.original(place + 1) == text.decode().index(f"é{sign}") + 2

"""Where looks are put, and what their answers mean."""

import pytest

from pgwire.messages import Message
from pgwire.trace import look


def row(*columns: str | None) -> Message:
    body = len(columns).to_bytes(2, "big")
    for column in columns:
        data = b"" if column is None else column.encode()
        length = -1 if column is None else len(data)
        body += length.to_bytes(4, "big", signed=True) + data
    return Message(b"D", body)


def test_rows_are_read() -> None:
    seen = look.seen(
        [row("12", "20000", "ShareLock", "5"), row("13", "20001", "RowShareLock", None)]
    )

    assert seen == look.Seen(13, ((20000, "SHARE", 5), (20001, "ROW SHARE", None)))


def test_a_session_without_locks_has_a_time() -> None:
    assert look.seen([row("12", None, None, None)]) == look.Seen(12, ())


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
    sent = look.with_looks(b"a; b; c -- d", [1, 12])

    assert sent.text == b"a;" + look.IN_QUERY + b" b; c -- d\n;" + look.IN_QUERY


@pytest.mark.parametrize("looked_at", [[], [2], [2, 7], [2, 7, 11]])
def test_positions_are_those_of_the_clients_text(looked_at: list[int]) -> None:
    text = "é1; é2é; é3".encode()
    ends = [index for index in (3, 9, len(text)) if index]
    sent = look.with_looks(text, ends[: len(looked_at)])

    characters = sent.text.decode()

    for number, sign in enumerate("123"):
        place = next(n for n, each in enumerate(characters) if each == sign and n >= number)
        if f"é{sign}" in characters:
            place = characters.index(f"é{sign}") + 1
        assert sent.original(place + 1) == text.decode().index(f"é{sign}") + 2

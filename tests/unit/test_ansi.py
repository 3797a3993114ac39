"""Output for terminals as plain text with looks."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import ansi
from app.core.ansi import Span


def spans(text: str) -> list[tuple[str, str]]:
    [line] = ansi.lines(text)
    return [(span.text, span.classes) for span in line]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("plain", [("plain", "")]),
        ("\x1b[31mred\x1b[0m not", [("red", "fg-red"), (" not", "")]),
        ("\x1b[1;4;32mmany", [("many", "bold underline fg-green")]),
        ("\x1b[1mbold\x1b[22mnot", [("bold", "bold"), ("not", "")]),
        ("\x1b[91;104mbright", [("bright", "fg-red bg-blue")]),
        ("\x1b[38;5;9mof 256\x1b[39m", [("of 256", "fg-red")]),
        ("\x1b[38;2;1;2;3mtrue", [("true", "")]),
        ("\x1b[38;5;200;1mbold", [("bold", "bold")]),
        ("\x1b[mreset", [("reset", "")]),
        ("a\x1b[2Kb\x1b[1A\x1b]0;title\x07c\x1b(Bd", [("a", ""), ("b", ""), ("c", ""), ("d", "")]),
        ("bell\x07 and \u202eoverride", [("bell and override", "")]),
        ("tab\tstays", [("tab\tstays", "")]),
    ],
)
def test_a_line_keeps_its_looks_and_nothing_else(
    text: str, expected: list[tuple[str, str]]
) -> None:
    assert spans(text) == expected


def test_a_line_written_over_shows_what_was_written_last() -> None:
    assert [ansi.plain(line) for line in ansi.lines("10%\r50%\r100%\ndone\r\n")] == ["100%", "done"]


def test_a_look_goes_on_over_the_end_of_a_line() -> None:
    assert ansi.lines("\x1b[33ma\nb") == [
        (Span(text="a", classes="fg-yellow"),),
        (Span(text="b", classes="fg-yellow"),),
    ]


def test_what_is_kept_has_its_colours_and_no_secret() -> None:
    text = "\x1b[31mred\x1b[0m\r\n\x1b[1mpass\x1b[0mword\x1b[2K\nbell\x07"

    assert ansi.harmless(text, ["password"]) == "\x1b[31mred\x1b[0m\n***\nbell"


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("\x1b[" + "1;" * 400_000 + "mx", id="many codes"),
        pytest.param("\x1b[" + "1" * 5_000 + "mx", id="a long number"),
        pytest.param("\x1b[1mx" * 80_000, id="many pieces"),
    ],
)
def test_whoever_may_write_a_log_makes_it_neither_slow_nor_unreadable(text: str) -> None:
    begun = time.process_time()

    [line] = ansi.lines(text)

    assert set(ansi.plain(line)) == {"x"}
    assert time.process_time() - begun < 10


@given(st.text(st.sampled_from("a\x1b[]0138;m\r\n\x07\\\u202e<")))
def test_whatever_comes_nothing_that_controls_is_left(text: str) -> None:
    for line in ansi.lines(text):
        for span in line:
            assert all(unicodedata.category(letter)[0] != "C" for letter in span.text)
            assert set(span.classes) <= set("abcdefghijklmnopqrstuvwxyz- ")

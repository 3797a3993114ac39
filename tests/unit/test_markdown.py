"""Hostile text inside Markdown stays text."""

import pytest

from app.core.markdown import block, code, link, plain_lines, visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("feature/login", "`feature/login`"),
        ("`id`", "`` `id` ``"),
        ("a``b", "``` a``b ```"),
        ("[x](http://evil)", "`[x](http://evil)`"),
        ("<img src=x onerror=y>", "`<img src=x onerror=y>`"),
        ("@everyone", "`@everyone`"),
        ("", "` `"),
    ],
)
def test_a_name_becomes_a_code_span(text: str, shown: str) -> None:
    assert code(text) == shown


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("main\u202egnp", "main<U+202E>gnp"),
        ("ma\u200bin", "ma<U+200B>in"),
        ("line\nbreak", "line<U+000A>break"),
        ("\u2028", "<U+2028>"),
        ("\ufeffmain", "<U+FEFF>main"),
        ("grün", "grün"),
    ],
)
def test_what_cannot_be_seen_is_written_out(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_block_has_a_fence_longer_than_any_inside() -> None:
    assert block("````") == "`````text\n````\n`````"


@pytest.mark.parametrize(
    ("printed", "plain"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]8;;http://evil\x07link\x1b]8;;\x07", "link"),
        ("\x1b]0;title\x1b\\text", "text"),
        ("50%\r100%\r\n", "50%100%\n"),
        ("nul\x00, bell\x07, tab\t", "nul, bell, tab\t"),
        ("\x1b(B\x1bcclear", "clear"),
        ("half \ud800 pair", "half  pair"),
        ("unfinished \x1b", "unfinished "),
    ],
)
def test_a_terminals_control_is_taken_out_of_logs(printed: str, plain: str) -> None:
    assert plain_lines(printed) == plain


def test_an_address_ends_where_it_should() -> None:
    assert link("it", "https://x.example/a(b) <c>\\?d=e") == (
        "[it](https://x.example/a%28b%29%20%3Cc%3E%5C?d=e)"
    )

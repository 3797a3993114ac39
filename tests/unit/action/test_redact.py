import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from action import redact
from pgwire.text import printable

# Few characters, so that secrets overlap, contain marks and are cut by control sequences.
alphabet = st.sampled_from("ab*\x1b[31m\r\n é")
secrets = st.lists(st.text(alphabet, min_size=8, max_size=12), max_size=3)
words = st.text(alphabet, max_size=40)


@st.composite
def logs(draw: st.DrawFn) -> tuple[str, list[str]]:
    """A log with secrets in it, between other text."""
    hidden = draw(secrets)
    pieces = st.one_of(words, st.sampled_from(hidden)) if hidden else words
    return "".join(draw(st.lists(pieces, max_size=6))), hidden


@given(logs())
@example(("abcdefgh12345678", ["abcdefgh12", "gh12345678"]))
@example(("ab12345678cdef12", ["12345678", "ab***cdef"]))
def test_no_secret_is_left(log: tuple[str, list[str]]) -> None:
    text, hidden = log

    shown = redact.hide(text, hidden)

    assert not [secret for secret in hidden if secret in shown]


@given(words, secrets)
def test_a_text_without_secrets_stays(text: str, hidden: list[str]) -> None:
    if not any(secret in text for secret in hidden):
        assert redact.hide(text, hidden) == text


@given(logs())
def test_a_report_holds_no_secret_and_no_control_character(log: tuple[str, list[str]]) -> None:
    text, values = log
    hidden = redact.own_secrets(values)

    shown = redact.report(text.encode(), hidden, is_cut=False)

    bare = re.sub(r"\x1b\[[0-9;]*m", "", shown)
    assert not [secret for secret in hidden if secret in shown or secret in bare]
    assert not [c for c in bare if c < " " and c not in "\t\n"]


@given(st.integers(0, 40), st.text("xyz\n", max_size=20))
def test_a_cut_leaves_no_end_of_a_secret(kept: int, after: str) -> None:
    secret = "s3cret-0123456789-abcdef"
    tail = f"{secret[-kept:] if kept else ''}{after}{'-' * 40}"

    shown = redact.report(tail.encode(), [secret], is_cut=True)

    assert "0123456789" not in shown
    assert "cdef" not in shown


@given(st.text(st.characters(codec="utf-8"), max_size=50), st.integers(0, 3))
def test_a_report_fits_and_is_whole_characters(text: str, shift: int) -> None:
    long = "a" * shift + "é€𝄞" * 8000 + text

    shown = redact.report(long.encode(), [], is_cut=False)

    assert len(shown.encode()) <= redact.REPORT_BYTES
    assert printable(long).endswith(shown)


@given(st.binary(max_size=200))
def test_any_bytes_become_a_report(raw: bytes) -> None:
    redact.report(raw, ["a secret text"], is_cut=True).encode()


def test_colours_inside_a_secret_do_not_hide_it() -> None:
    shown = redact.report(b"pass\x1b[31mword0123\x1b[0m!", ["password0123"], is_cut=False)

    assert shown == "***!"


@pytest.mark.parametrize(
    "broken",
    [
        "postgresql://u:pa\nssword0123@h",
        "pass\r\nword0123",
        "passw  \n   ord01\n\n23",
        "p\x1b[1m\nassword0123",
    ],
)
def test_a_secret_that_was_broken_over_lines_is_hidden(broken: str) -> None:
    shown = redact.report(f"a\n{broken}\nb".encode(), ["password0123"], is_cut=False)

    assert "***" in shown
    assert not any(piece in shown for piece in ("pass", "word", "ord01", "23"))
    assert shown.startswith("a\n")
    assert shown.endswith("\nb")


def test_progress_bars_and_titles_become_plain_lines() -> None:
    raw = b"\x1b]0;title\x0710%\r100%\r\ndone \x1b[2Kwell\x00\n"

    assert redact.report(raw, [], is_cut=False) == "10%\n100%\ndone well\n"


def test_a_title_that_never_ends_hides_no_more_than_its_line() -> None:
    raw = b"\x1b]0;title\nERROR: the cause\n"

    assert redact.last_lines(redact.report(raw, (), is_cut=False)) == "\nERROR: the cause"


def test_colours_stay_around_what_was_taken_out() -> None:
    raw = b"\x1b[1;31mred\x1b[0m\n\x1b[32mkey password0123\x1b[0m\nlast \x1b[4mline\x1b[24m"

    shown = redact.report(raw, ["password0123"], is_cut=False)

    assert shown == "\x1b[1;31mred\x1b[0m\n\x1b[32mkey ***\x1b[0m\nlast \x1b[4mline\x1b[24m"


def test_a_log_that_is_too_long_begins_with_a_whole_line() -> None:
    line = "0123456789" * 10 + "\n"

    shown = redact.report((line * 12_000).encode(), [], is_cut=False)

    assert len(shown) > redact.REPORT_BYTES - len(line) * 2
    assert shown.startswith(line)


def test_variables_outside_the_list_are_secrets_and_those_in_it_are_not() -> None:
    environ = {
        "DEPLOY_KEY": "value-of-the-key",
        "SHORT": "1234567",
        "HOME": "/home/runner",
        "GITHUB_REPOSITORY": "acme/shop",
        "GITHUB_TOKEN": "ghs_0123456789",
        "MULTI": "line number one\nline number two",
    }

    found = redact.inherited_secrets(environ)

    assert {"value-of-the-key", "ghs_0123456789", "line number one", "line number two"} <= {*found}
    assert not {"1234567", "/home/runner", "acme/shop"} & {*found}


@given(logs(), st.integers(1, 60))
def test_a_moved_cut_splits_no_secret(log: tuple[str, list[str]], at: int) -> None:
    text, hidden = log

    end = redact.safe_end(text, at, hidden)

    assert end <= at
    assert not [span for span in redact.spans(text, hidden) if span[0] < end < span[1]]

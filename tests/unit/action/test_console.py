import io
import re
from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from action.console import Console
from action.errors import Problem

SECRET = "s3cret-0123456789"


def lines_of(stream: io.BytesIO) -> list[str]:
    return stream.getvalue().decode("utf-8", "surrogateescape").split("\n")[:-1]


@given(st.text(st.characters(codec="utf-8"), max_size=40))
def test_our_own_lines_are_never_commands(text: str) -> None:
    stream = io.BytesIO()

    Console(stream).say(text)

    for line in lines_of(stream):
        assert not line.lstrip().startswith("::")
        assert "##[" not in line


def test_both_forms_of_command_are_defused() -> None:
    stream = io.BytesIO()

    Console(stream).say(" ::error::a\nb ##[add-path]c\nd::e")

    assert lines_of(stream) == [" : :error::a", "b ## [add-path]c", "d::e"]


@pytest.mark.parametrize("filler", ["x", "\N{GRINNING FACE}"])
def test_an_annotation_keeps_its_title_and_its_end_where_the_runner_would_cut(filler: str) -> None:
    stream = io.BytesIO()
    output = filler * 4000 + " ERROR: the cause"

    Console(stream).problem(Problem(title="It failed.", text=""), output=output)

    told = unquote(lines_of(stream)[0].partition("::error title=Coppice::")[2])
    assert told.startswith("It failed.\n\n")
    assert told.endswith("ERROR: the cause")
    assert len(told.encode("utf-16-le")) <= 2 * 4096


def test_masked_values_show_in_nothing_that_follows() -> None:
    stream = io.BytesIO()
    console = Console(stream)

    console.mask(SECRET)
    console.say(f"a {SECRET}")
    console.notice("t", f"b {SECRET}")
    console.problem(Problem(title=f"c {SECRET}", text=f"d {SECRET}"))
    with console.strangers():
        console.relay(f"e {SECRET}".encode())

    shown = [line for line in lines_of(stream) if not line.startswith("::add-mask::")]
    assert SECRET not in "\n".join(shown)
    assert len(shown) == 7


def test_a_value_is_masked_once() -> None:
    stream = io.BytesIO()
    console = Console(stream)

    console.mask(SECRET, SECRET)
    console.mask(SECRET)

    assert lines_of(stream) == [f"::add-mask::{SECRET}"]


def test_empty_and_short_values_are_not_masked() -> None:
    stream = io.BytesIO()

    Console(stream).mask("", "short", "       ")

    assert stream.getvalue() == b""


def test_foreign_output_stands_between_a_random_stop_and_its_end() -> None:
    stream = io.BytesIO()
    console = Console(stream)

    for _ in range(2):
        with console.strangers():
            console.relay(b"::error::forged")

    first, output, end, second, *_ = lines_of(stream)
    token = re.fullmatch(r"::stop-commands::([0-9a-f]{32})", first)
    assert token
    assert output == "::error::forged"
    assert end == f"::{token[1]}::"
    assert second != first


def test_our_commands_work_beside_foreign_output() -> None:
    stream = io.BytesIO()
    console = Console(stream)

    with console.strangers(), console.strangers():
        console.mask(SECRET)
        console.relay(b"between")

    lines = lines_of(stream)
    at = lines.index(f"::add-mask::{SECRET}")
    stops = [line for line in lines if line.startswith("::stop-commands::")]
    assert lines[at - 1] == f"::{stops[0].rpartition('::')[2]}::"
    assert lines[at + 1] == stops[1]
    assert lines[-1] == f"::{stops[1].rpartition('::')[2]}::"


def test_bytes_that_are_no_text_pass_unchanged() -> None:
    stream = io.BytesIO()
    console = Console(stream)

    with console.strangers():
        console.relay(b"\xff\xfe \xc3\xa4")

    assert b"\n\xff\xfe \xc3\xa4\n" in stream.getvalue()


def test_a_log_that_is_gone_does_not_stop_the_work() -> None:
    stream = io.BytesIO()
    stream.close()

    Console(stream).say("nobody reads this")

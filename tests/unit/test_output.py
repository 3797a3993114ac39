"""What commands print of texts that others wrote."""

import pytest

from app.cli.output import remark, show_record, show_remarks, show_rows

HOSTILE = "\x1b]0;owned\x07\x1b[2Jnpx \u202eevil\r\nsecond line"
SHOWN = ("\\x1b]0;owned\\x07\\x1b[2Jnpx \\u202eevil\\r", "second line")


def printed(capsys: pytest.CaptureFixture[str]) -> str:
    out, error = capsys.readouterr()
    return out + error


def test_no_text_steers_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    show_rows([{"command": HOSTILE, "patterns": [HOSTILE]}], as_json=False, empty="")
    show_record({"command": HOSTILE}, as_json=False)
    remark(HOSTILE)

    text = printed(capsys)

    assert not {"\x1b", "\x07", "\u202e", "\r"} & set(text)
    for part in SHOWN:
        assert text.count(part) == 4


def test_no_line_ends_with_blanks_where_a_program_reads(capsys: pytest.CaptureFixture[str]) -> None:
    rows = [{"name": "a", "problem": "a long one"}, {"name": "b", "problem": "none"}]

    show_rows(rows, as_json=False, empty="")
    show_record(rows[1], as_json=False)
    show_remarks([("ok", "a", ""), ("warning", "a longer one", "advice")])

    lines = printed(capsys).splitlines()
    assert len(lines) == 8
    assert [line for line in lines if line != line.rstrip()] == []


def test_what_people_write_stays_readable(capsys: pytest.CaptureFixture[str]) -> None:
    remark("Größe: 5 GB, „gut“\n\n    WDJB-MJHT\n")

    assert printed(capsys) == "Größe: 5 GB, „gut“\n\n    WDJB-MJHT\n\n"

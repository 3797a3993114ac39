"""What commands print of texts that others wrote."""

import pytest

from app.cli.output import remark, show_record, show_rows

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


def test_what_people_write_stays_readable(capsys: pytest.CaptureFixture[str]) -> None:
    remark("Größe: 5 GB, „gut“\n\n    WDJB-MJHT\n")

    assert printed(capsys) == "Größe: 5 GB, „gut“\n\n    WDJB-MJHT\n\n"

"""Text of strangers is harmless in logs and at terminals."""

from pgwire.text import plain


def test_a_harmless_line_has_no_line_end_and_a_limit() -> None:
    assert plain("a\nb\x1b[31m c\u202e") == "a b c"
    assert len(plain("x" * 1000)) == 500

"""What becomes markup of a text, and that nothing else does."""

import re

import pytest

from app.core.advised_sql import Piece, laid_out, pieces
from app.web.marked import marked, unbroken


def test_code_in_a_sentence_is_marked_up() -> None:
    assert marked("Run `a < b`, & wait.") == "Run <code>a &lt; b</code>, &amp; wait."


@pytest.mark.parametrize(
    "name",
    ["a1--feature-photos--52o3ac", "a1-production", "a--", "--", "a---b", "<i>--<b>", "", "--\n"],
)
def test_a_name_stays_what_it_is(name: str) -> None:
    found = re.sub("</?(span|wbr)[^>]*>", "", unbroken(name))

    assert found == name.replace("<", "&lt;").replace(">", "&gt;")


def test_a_name_may_break_before_two_hyphens() -> None:
    assert unbroken("a1--b-c") == 'a1<wbr><span class="together">--b</span>-c'


def test_sql_stands_apart_from_what_is_said_about_it() -> None:
    advice = (
        'As its owner: GRANT CONNECT ON DATABASE "a;b" TO x; ALTER ROLE x CREATEDB; and restart.'
    )

    assert pieces(advice) == (
        Piece("As its owner:", is_sql=False),
        Piece('GRANT CONNECT ON DATABASE "a;b" TO x;\nALTER ROLE x CREATEDB;', is_sql=True),
        Piece("and restart.", is_sql=False),
    )


@pytest.mark.parametrize(
    "words",
    ["", "GRANT what the owner's role needs; then wait.", "Run `apps edit`; CREATED later."],
)
def test_words_are_no_sql(words: str) -> None:
    assert [piece for piece in pieces(words) if piece.is_sql] == []
    assert laid_out(words) == words


def test_every_statement_is_on_a_line_of_its_own_at_a_terminal() -> None:
    words = "Note: None are kept. ALTER SYSTEM SET a = 5; GRANT b TO c; and restart."

    assert laid_out(words) == (
        "Note: None are kept.\nALTER SYSTEM SET a = 5;\nGRANT b TO c;\nand restart."
    )

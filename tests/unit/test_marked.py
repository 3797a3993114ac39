"""What becomes markup of a text, and that nothing else does."""

import re

import pytest

from app.web.marked import Piece, marked, pieces, unbroken


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

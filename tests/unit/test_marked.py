"""What becomes markup of a text, and that nothing else does."""

import re

import pytest

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

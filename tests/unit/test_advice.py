"""Advice that is read before a page or by a program, where nothing is tried again by itself."""

import ast
from pathlib import Path

import pytest

from app.core.errors import Conflict, GitHubUnavailable, TransientError
from app.web.advice import advice_for, advice_on_page

ROOT = Path(__file__).parents[2]
# Where errors begin that both a page and the command line show.
SHARED = [
    ROOT / "app/core/errors.py",
    ROOT / "app/core/addresses.py",
    ROOT / "app/core/limits.py",
    ROOT / "app/operations/access.py",
    ROOT / "app/operations/apps.py",
    *(
        path
        for path in (ROOT / "app/operations/administration").glob("*.py")
        if path.stem not in {"doctor", "github_diagnosis", "login_links", "machines"}
    ),
]


def test_who_asked_is_told_to_ask_again() -> None:
    assert advice_for(TransientError("x")) == "Try it again in a moment."
    limited = GitHubUnavailable("x", retry_after_seconds=30)
    assert advice_for(limited) == "Try it again in 30 seconds, as GitHub asks."
    assert advice_for(Conflict("x", advice="Wait.")) == "Wait."


@pytest.mark.parametrize(
    ("advice", "shown"),
    [
        ("Use that one (--environment production) if.", "Use that one if."),
        ("Restore it first (`coppice databases restore`).", "Restore it first."),
        ("Drop them (`coppice databases delete --now`), or wait.", "Drop them, or wait."),
        ("Check this (HTTPS_PROXY, firewall).", "Check this (HTTPS_PROXY, firewall)."),
    ],
)
def test_a_page_leaves_out_the_words_of_the_command_line(advice: str, shown: str) -> None:
    assert advice_on_page(Conflict("x", advice=advice)) == shown
    assert advice_for(Conflict("x", advice=advice)) == advice


@pytest.mark.parametrize("path", SHARED, ids=lambda path: path.stem)
def test_what_is_shown_on_pages_too_speaks_of_commands_in_brackets_only(path: Path) -> None:
    texts = [
        node.value
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    ]

    for text in texts:
        outside = "".join(part.partition(")")[2] or "" for part in f"){text}".split("("))
        assert " --" not in outside, text

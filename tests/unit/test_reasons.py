"""Why a branch has no database: one answer for the Action, checks, comments and pages."""

import pytest

from app.core.identifiers import BranchName
from app.core.reasons import IGNORED_BRANCH, without_database

MAIN = BranchName("main")


@pytest.mark.parametrize(
    ("branch", "is_from_fork", "code"),
    [
        ("feature/x", False, None),
        ("feature/x", True, "fork"),
        ("main", False, "default_branch"),
        ("main", True, "fork"),
        ("wip/x", False, "ignored_branch"),
        ("wip/x", True, "fork"),
        ("gh-readonly-queue/main/pr-5-abc", False, "merge_queue"),
        ("a b", False, "impossible_branch"),
        ("a\ufffdb", False, "impossible_branch"),
    ],
)
def test_a_branch_has_one_reason_to_have_no_database(
    branch: str, is_from_fork: bool, code: str | None
) -> None:
    why = without_database(
        BranchName(branch),
        default_branch=MAIN,
        ignore_patterns=("wip/**",),
        is_from_fork=is_from_fork,
    )

    assert (why.code if why else None) == code


def test_a_hostile_name_is_code_in_markdown_and_quoted_in_a_log() -> None:
    why = IGNORED_BRANCH.of(BranchName("x`<b>@octocat{}\u202e"))

    assert "the branch `` x`<b>@octocat{}<U+202E> ``. " in why.markdown
    assert why.message.endswith('"x`<b>@octocat{}\\u202e".')

"""A commit that is the head of several branches: which result is shown."""

import itertools

import pytest

from app.core.checks import CheckContent, Conclusion
from app.core.identifiers import BranchName, DatabaseId, RunId
from app.core.votes import Vote, combined, worst


def vote(branch: str, conclusion: Conclusion | None, *, title: str = "Done") -> Vote:
    return Vote(
        branch=BranchName(branch) if branch else None,
        content=CheckContent(name="x", title=title, summary="Words.", conclusion=conclusion),
        database_id=DatabaseId(len(branch)),
        run_id=RunId(len(branch)),
    )


MILD_FIRST = [
    Conclusion.SKIPPED,
    Conclusion.SUCCESS,
    Conclusion.NEUTRAL,
    None,
    Conclusion.FAILURE,
]


@pytest.mark.parametrize(("mild", "bad"), list(itertools.combinations(range(5), 2)))
def test_the_worst_counts_in_either_order(mild: int, bad: int) -> None:
    one, other = vote("a", MILD_FIRST[mild]), vote("bb", MILD_FIRST[bad])

    for votes in ([one, other], [other, one]):
        assert worst(votes) is other
        assert combined(votes).conclusion == MILD_FIRST[bad]


def test_one_branch_alone_says_what_it_says() -> None:
    alone = vote("a", Conclusion.SUCCESS)

    assert combined([alone]) == alone.content


def test_each_branch_is_told_of_with_its_own_result() -> None:
    hostile = "`@everyone`\u202e<img src=x>"
    votes = [
        vote("", Conclusion.SUCCESS, title="Migrated in 2 s"),
        vote(hostile, Conclusion.FAILURE, title="Failed with exit code 1"),
    ]

    said = combined(votes)

    assert "- the default branch: Migrated in 2 s" in said.summary
    assert "Failed with exit code 1" in said.summary
    assert "\u202e" not in said.summary
    assert "`` `@everyone`<U+202E><img src=x> ``" in said.summary
    assert said.title == "Failed with exit code 1"


def test_hundreds_of_branches_are_not_all_listed() -> None:
    said = combined([vote(f"b{number}", Conclusion.SUCCESS) for number in range(500)])

    assert "and 480 more" in said.summary
    assert len(said.summary) < 2_000

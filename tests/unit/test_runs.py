"""Runs: whether one comes too late."""

import pytest

from app.core.repositories import Ancestry
from app.core.runs import is_passed_over


def test_only_a_strict_ancestor_is_superseded() -> None:
    passed_over = [
        ancestry
        for ancestry in Ancestry
        if is_passed_over(ancestry, is_live_head=False, is_newer_alive=True)
    ]

    assert passed_over == [Ancestry.BEHIND]


@pytest.mark.parametrize(
    ("is_live_head", "is_newer_alive", "expected"),
    [(True, False, False), (True, True, True), (False, False, True), (False, True, True)],
)
def test_the_head_of_a_branch_gives_way_only_to_what_lives_elsewhere(
    is_live_head: bool, is_newer_alive: bool, expected: bool
) -> None:
    is_over = is_passed_over(
        Ancestry.BEHIND, is_live_head=is_live_head, is_newer_alive=is_newer_alive
    )

    assert is_over is expected

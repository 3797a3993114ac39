"""What an assignment's rules may say."""

import pytest

from app.core.assignments import Policies
from app.core.errors import Invalid
from app.operations.administration.policies import MOST_LETTERS, MOST_PATTERNS, check_policies


def test_as_many_patterns_as_anybody_needs_are_taken() -> None:
    check_policies(Policies(ignore_patterns=("x" * MOST_LETTERS,) * MOST_PATTERNS))


@pytest.mark.parametrize(
    "patterns", [("",), ("x" * (MOST_LETTERS + 1),), ("x",) * (MOST_PATTERNS + 1)]
)
def test_patterns_that_would_slow_everybody_down_are_refused(patterns: tuple[str, ...]) -> None:
    with pytest.raises(Invalid):
        check_policies(Policies(ignore_patterns=patterns))

"""What an assignment's rules may say."""

from dataclasses import replace
from typing import Any

import pytest

from app.core.assignments import MOST_LETTERS, MOST_PATTERNS, Policies
from app.core.errors import Invalid
from app.operations.administration.policies import check_policies


def test_as_many_patterns_as_anybody_needs_are_taken() -> None:
    check_policies(Policies(ignore_patterns=("x" * MOST_LETTERS,) * MOST_PATTERNS))


@pytest.mark.parametrize("time", ["", "1ms", "30s", "5min", "24h"])
def test_a_time_to_wait_for_locks_is_written_as_postgresql_takes_it(time: str) -> None:
    check_policies(Policies(lock_timeout=time))


@pytest.mark.parametrize("time", ["30", "0s", "-1s", "1.5s", "30 s", "25h", "1d", "30s'; --", "٣s"])
def test_a_time_that_cannot_be_meant_is_refused(time: str) -> None:
    with pytest.raises(Invalid, match="is no time for --lock-timeout"):
        check_policies(Policies(lock_timeout=time))


@pytest.mark.parametrize("amount", ["", "1", "100000", "100MB", "1.5 gb"])
def test_a_size_of_a_table_is_written_in_bytes_or_as_rows(amount: str) -> None:
    check_policies(Policies(no_rewrite_above=amount, no_block_above=amount))


@pytest.mark.parametrize(
    "amount", ["0", "-1", "100M", "1e6", "a lot", "٣", "100 rows", "0MB", "1.5", "9 9"]
)
@pytest.mark.parametrize("rule", ["no_rewrite_above", "no_block_above"])
def test_a_size_that_cannot_be_meant_is_refused(rule: str, amount: str) -> None:
    given: dict[str, Any] = {rule: amount}

    with pytest.raises(Invalid, match="is no size of a table"):
        check_policies(replace(Policies(), **given))


@pytest.mark.parametrize(
    "patterns", [("",), ("x" * (MOST_LETTERS + 1),), ("x",) * (MOST_PATTERNS + 1)]
)
def test_patterns_that_would_slow_everybody_down_are_refused(patterns: tuple[str, ...]) -> None:
    with pytest.raises(Invalid):
        check_policies(Policies(ignore_patterns=patterns))

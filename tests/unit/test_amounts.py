"""Amounts in words."""

from datetime import UTC, datetime, timedelta

import pytest

from app.core import amounts

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (0, "0 bytes"),
        (1023, "1023 bytes"),
        (1024, "1.0 kB"),
        (7_700_000, "7.3 MB"),
        (52_428_800, "50 MB"),
        (1024**3, "1.0 GB"),
        (5 * 1024**5, "5120 TB"),
    ],
)
def test_a_size_has_the_unit_that_keeps_it_short(count: int, words: str) -> None:
    assert amounts.size(count) == words


@pytest.mark.parametrize(
    ("count", "words"),
    [
        (-1, "rows not counted"),
        (0, "0 rows"),
        (1, "1 row"),
        (999, "999 rows"),
        (1000, "1.0 k rows"),
        (12_345, "12 k rows"),
        (999_600, "1.0 M rows"),
        (1_200_000, "1.2 M rows"),
        (5_000 * 10**9, "5000 G rows"),
    ],
)
def test_rows_are_estimates(count: int, words: str) -> None:
    assert amounts.rows(count) == words


@pytest.mark.parametrize(
    ("seconds", "words"),
    [
        (0, "0 ms"),
        (0.000_07, "0.07 ms"),
        (0.0042, "4.2 ms"),
        (0.34, "340 ms"),
        (4.24, "4.2 s"),
        (59.97, "1 min 0 s"),
        (200, "3 min 20 s"),
        (7500, "2 h 5 min"),
    ],
)
def test_a_duration_is_as_exact_as_anybody_wants(seconds: float, words: str) -> None:
    assert amounts.duration(seconds) == words


@pytest.mark.parametrize(
    ("distance", "words"),
    [
        (timedelta(seconds=20), "just now"),
        (timedelta(seconds=-20), "just now"),
        (timedelta(seconds=70), "1 minute ago"),
        (timedelta(minutes=89), "89 minutes ago"),
        (timedelta(hours=3), "3 hours ago"),
        (timedelta(hours=30), "1 day ago"),
        (timedelta(days=-3), "in 3 days"),
    ],
)
def test_a_moment_is_told_by_its_distance(distance: timedelta, words: str) -> None:
    assert amounts.ago(NOW - distance, now=NOW) == words


@pytest.mark.parametrize(
    ("names", "words"),
    [
        ([], ""),
        (["a"], "a"),
        (["a", "b", "c"], "a, b, c"),
        (["a", "b", "c", "d", "e"], "a, b, c and 2 more"),
    ],
)
def test_a_long_list_is_cut(names: list[str], words: str) -> None:
    assert amounts.listed(names, most=3) == words

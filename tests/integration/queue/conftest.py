"""A ledger on a state database of the test's own."""

from collections.abc import Iterator

import pytest

from tests.integration.queue.book import Book, open_book


@pytest.fixture
def book(state_dsn: str) -> Iterator[Book]:
    with open_book(state_dsn) as opened:
        yield opened

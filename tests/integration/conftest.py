"""Fixtures for tests of the service with its real surroundings."""

from collections.abc import Iterator

import pytest

from demo.github.server import LocalGitHub


@pytest.fixture(scope="session")
def world_github() -> Iterator[LocalGitHub]:
    """For whoever begins with an empty one; starting one takes a fifth of a second."""
    with LocalGitHub() as running:
        yield running

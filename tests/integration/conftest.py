"""Fixtures for tests of the service with its real surroundings."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from app.core.instances import AdminLogin
from demo.github.server import LocalGitHub
from tests.integration.lifecycle.world import LastingService, open_service, state_url


@pytest.fixture(scope="session")
def world_github() -> Iterator[LocalGitHub]:
    """For whoever begins with an empty one; starting one takes a fifth of a second."""
    with LocalGitHub() as running:
        yield running


@pytest.fixture(scope="session")
def lasting_service(
    world_github: LocalGitHub,
    postgres_superuser: AdminLogin,
    new_state_database: Callable[[], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[LastingService]:
    """For worlds that do nothing to its data directory and its processes, one after the other."""
    folder = str(tmp_path_factory.mktemp("service"))
    with new_state_database() as name:
        url = state_url(postgres_superuser, name)
        with open_service(world_github, url, folder) as service:
            yield LastingService(service)

"""One service over real HTTP for the tests of a module, with people of every permission."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager

import pytest

from app.core.instances import AdminLogin
from demo.github.server import LocalGitHub
from tests.integration.api.office import Office
from tests.integration.lifecycle.world import open_world, state_url


@pytest.fixture(scope="module")
def office(
    world_github: LocalGitHub,
    postgres_superuser: AdminLogin,
    postgres_admin: AdminLogin,
    new_state_database: Callable[[], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("data")
    with new_state_database() as name:
        url = state_url(postgres_superuser, name)
        with open_world(world_github, url, postgres_admin, str(folder)) as world:
            yield Office(world)
            assert world.github.violations == []

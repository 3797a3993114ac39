"""Each story gets a shop: a repository at GitHub, its app, its databases, and jobs that ask."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from app.core.instances import AdminLogin
from app.jobs import worker as worker  # every task, as a real worker knows them
from demo.github.server import LocalGitHub
from tests.integration.lifecycle.world import LastingService, open_world, state_url
from tests.integration.runs.shop import Shop

OpenShop = Callable[[LocalGitHub, str, str], AbstractContextManager[Shop]]


@pytest.fixture(scope="session")
def open_shop(postgres_superuser: AdminLogin, postgres_admin: AdminLogin) -> OpenShop:
    """Opens a shop at a GitHub of its own, with a state database and a folder."""

    @contextmanager
    def opened(github: LocalGitHub, state_database: str, folder: str) -> Iterator[Shop]:
        url = state_url(postgres_superuser, state_database)
        with open_world(github, url, postgres_admin, folder) as world:
            shop = Shop(world, app_id=secrets.token_hex(5))
            shop.assign()
            yield shop
            assert world.github.violations == []

    return opened


@pytest.fixture
def shop(
    lasting_service: LastingService, world_github: LocalGitHub, postgres_admin: AdminLogin
) -> Iterator[Shop]:
    """An assigned app that has no database yet."""
    with lasting_service.world(world_github, postgres_admin) as world:
        shop = Shop(world, app_id=secrets.token_hex(5))
        shop.assign_without_shared()
        yield shop
        assert world.github.violations == []


@pytest.fixture
def production_and_preview(shop: Shop) -> None:
    """Both are there before the story begins, as they are for people."""
    shop.world.reconcile()


@pytest.fixture(scope="session")
def shared_shop(
    open_shop: OpenShop,
    new_state_database: Callable[[], AbstractContextManager[str]],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Shop]:
    """One for many stories; who is given preview or production, or changes a rule, has a `shop`.

    Others have pushed branches here, and begun runs: a story's branches have names of their own.
    """
    folder = str(tmp_path_factory.mktemp("shop"))
    with (
        LocalGitHub() as github,
        new_state_database() as state_database,
        open_shop(github, state_database, folder) as shop,
    ):
        yield shop

"""A repository whose people talk below a pull request."""

from collections.abc import Iterator

import pytest

from app.core.instances import AdminLogin
from demo.github.server import LocalGitHub
from tests.integration.lifecycle.world import LastingService
from tests.integration.pull_requests.talk import Talk, open_talk


@pytest.fixture
def talk(
    lasting_service: LastingService, world_github: LocalGitHub, postgres_admin: AdminLogin
) -> Iterator[Talk]:
    with lasting_service.world(world_github, postgres_admin) as world:
        yield open_talk(world)
        assert world.github.violations == []


@pytest.fixture
def production_and_preview(talk: Talk) -> None:
    """Both are there before the story begins, as they are for people."""
    talk.shop.world.reconcile()

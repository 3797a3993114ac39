"""A repository whose people talk below a pull request."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.instances import AdminLogin
from demo.github.server import LocalGitHub
from tests.integration.lifecycle.world import state_url
from tests.integration.pull_requests.talk import Talk, open_talk


@pytest.fixture
def talk(
    world_github: LocalGitHub,
    state_database: str,
    postgres_superuser: AdminLogin,
    postgres_admin: AdminLogin,
    tmp_path: Path,
) -> Iterator[Talk]:
    url = state_url(postgres_superuser, state_database)
    with open_talk(world_github, url, postgres_admin, str(tmp_path)) as opened:
        yield opened
        assert opened.shop.world.github.violations == []

"""Each story gets a shop: a repository at GitHub, its app, its databases, and jobs that ask."""

import secrets
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from app.core.instances import AdminLogin
from app.jobs import worker as worker  # every task, as a real worker knows them
from demo.github.server import LocalGitHub
from tests.integration.lifecycle.world import open_world
from tests.integration.runs.shop import Shop


@pytest.fixture
def shop(
    world_github: LocalGitHub,
    state_database: str,
    postgres_superuser: AdminLogin,
    postgres_admin: AdminLogin,
    tmp_path: Path,
) -> Iterator[Shop]:
    """An assigned app with production and preview, and nothing else yet."""
    address = postgres_superuser.address
    url = (
        f"postgresql://{postgres_superuser.user}:{quote(postgres_superuser.password)}"
        f"@{address.host}:{address.port}/{state_database}"
    )
    with open_world(world_github, url, postgres_admin, str(tmp_path)) as world:
        shop = Shop(world, app_id=secrets.token_hex(5))
        shop.assign()
        yield shop
        assert world.github.violations == []

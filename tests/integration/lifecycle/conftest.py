"""Each story gets a world of its own, and leaves nothing on the shared server."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.instances import AdminLogin
from demo.github.server import LocalGitHub
from tests.integration.lifecycle.world import LastingService, World, open_world, state_url


@pytest.fixture
def world(
    request: pytest.FixtureRequest, world_github: LocalGitHub, postgres_admin: AdminLogin
) -> Iterator[World]:
    """One whose service others had before, or, for tests that are marked so, one of its own."""
    if request.node.get_closest_marker("own_service"):
        yield request.getfixturevalue("world_of_its_own")
        return
    service: LastingService = request.getfixturevalue("lasting_service")
    with service.world(world_github, postgres_admin) as opened:
        yield opened
        assert opened.github.violations == []


@pytest.fixture
def world_of_its_own(
    world_github: LocalGitHub,
    state_database: str,
    postgres_superuser: AdminLogin,
    postgres_admin: AdminLogin,
    tmp_path: Path,
) -> Iterator[World]:
    url = state_url(postgres_superuser, state_database)
    with open_world(world_github, url, postgres_admin, str(tmp_path)) as opened:
        yield opened
        assert opened.github.violations == []


@pytest.fixture(scope="session")
def dying_worker() -> Iterator["subprocess.Popen[str]"]:
    """One process that has imported the service, and forks for each death."""
    command = [sys.executable, "-m", "tests.integration.lifecycle.dying_worker"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield process
        assert process.stdin
        process.stdin.close()

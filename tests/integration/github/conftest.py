"""A GitHub, an adapter on it, and a repository with the App installed."""

import threading
from collections.abc import Iterator
from datetime import timedelta

import pytest

from app.core.identifiers import BranchName, InstallationId, OwnerId, RepositoryId
from app.core.repositories import InstallationState
from app.core.repositories import Repository as Known
from app.github.adapter import RestGitHub
from demo.github.model import Installation, Repository
from demo.github.server import LocalGitHub
from tests.integration.github.receiver import Receiver


@pytest.fixture(scope="session")
def _running_github() -> Iterator[LocalGitHub]:
    with LocalGitHub() as github:
        yield github


@pytest.fixture
def github(_running_github: LocalGitHub) -> Iterator[LocalGitHub]:
    """A fresh account each time; nothing that a test sent may break GitHub's description."""
    _running_github.reset()
    yield _running_github
    assert _running_github.violations == []


@pytest.fixture
def adapter(github: LocalGitHub) -> Iterator[RestGitHub]:
    adapter = RestGitHub(
        app_id=github.app_id, private_key=github.private_key, api_url=github.api_url
    )
    yield adapter
    adapter.close()


@pytest.fixture
def shop(github: LocalGitHub) -> Repository:
    return github.create_repository("acme/shop")


@pytest.fixture
def installation(github: LocalGitHub, shop: Repository) -> Installation:
    return github.install(shop.owner)


@pytest.fixture
def known(shop: Repository, installation: Installation) -> Known:
    """The repository as the service has stored it."""
    return known_as(shop, installation)


def known_as(repository: Repository, installation: Installation) -> Known:
    return Known(
        id=RepositoryId(repository.id),
        owner_id=OwnerId(repository.owner.id),
        full_name=repository.full_name,
        default_branch=BranchName(repository.default_branch),
        is_private=repository.is_private,
        is_archived=False,
        installation_id=InstallationId(installation.id),
        installation_state=InstallationState.ACTIVE,
    )


@pytest.fixture
def receiver(github: LocalGitHub) -> Iterator[Receiver]:
    receiver = Receiver()
    thread = threading.Thread(target=receiver.run)
    thread.start()
    github.webhook_url = receiver.url
    yield receiver
    github.hook.wait()
    github.webhook_url = None
    receiver.stop()
    thread.join()


@pytest.fixture
def short_tokens(github: LocalGitHub) -> Iterator[None]:
    """Installation tokens that GitHub forgets at once."""
    github.context.token_lifetime = timedelta(seconds=0)
    yield
    github.context.token_lifetime = timedelta(hours=1)

"""Commands run as an operator runs them, with a real state database, server and small GitHub."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.core.instances import AdminLogin
from app.store.vault import new_key
from demo.github.model import Repository
from demo.github.server import LocalGitHub
from tests.integration.serve.installation import Installation, url_of


@pytest.fixture(scope="session")
def github(world_github: LocalGitHub) -> LocalGitHub:
    """Emptied by `shop`."""
    return world_github


@pytest.fixture
def shop(github: LocalGitHub) -> Repository:
    """A repository with the App installed."""
    github.reset()
    repository = github.create_repository("acme/shop")
    github.install(repository.owner)
    return repository


@pytest.fixture
def coppice(tmp_path: Path, state_dsn: str) -> Iterator[Installation]:
    """Without a GitHub App."""
    settings = {"COPPICE_DATABASE_URL": url_of(state_dsn), "COPPICE_SECRET_KEYS": new_key()}
    made = Installation(folder=tmp_path, settings=settings)
    yield made
    made.close()


@pytest.fixture
def connected(coppice: Installation, github: LocalGitHub, shop: Repository) -> Installation:
    """With a GitHub App that is installed for `shop`."""
    key = coppice.folder / "key.pem"
    key.write_text(github.private_key)
    coppice.settings = {
        **coppice.settings,
        "COPPICE_GITHUB_APP_ID": str(github.app_id),
        "COPPICE_GITHUB_PRIVATE_KEY_FILE": str(key),
        "COPPICE_GITHUB_WEBHOOK_SECRETS": github.webhook_secret,
        "COPPICE_GITHUB_URL": github.url,
        "COPPICE_GITHUB_API_URL": github.api_url,
        "COPPICE_OIDC_ISSUER": github.oidc_issuer,
    }
    return coppice


@pytest.fixture
def server_url(postgres_admin: AdminLogin) -> str:
    """A server for tenants, with its administrator's password."""
    address = postgres_admin.address
    login = f"{postgres_admin.user}:{postgres_admin.password}"
    return f"postgresql://{login}@{address.host}:{address.port}/postgres"


@pytest.fixture
def assigned(connected: Installation, server_url: str) -> Installation:
    """With `shop` assigned to a linked instance."""
    connected.ok("instances", "link", "main", "--url", server_url)
    connected.ok("apps", "assign", "acme/shop", "main", "--migration-command", "./migrate")
    return connected

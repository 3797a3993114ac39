"""Fixtures of the whole: a GitHub, a service, and repositories with workflows."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.github.server import LocalGitHub
from demo.runner import Runner, copy_action
from demo.service import Service
from tests.end_to_end.project import Plan, Project, Site
from tests.end_to_end.service import QuickService

NewProject = Callable[[Plan], Project]


@pytest.fixture(scope="session")
def github() -> Iterator[LocalGitHub]:
    """A GitHub with the App installed for all of acme's repositories."""
    with LocalGitHub() as github:
        github.install("acme")
        yield github


@pytest.fixture(scope="session")
def service(github: LocalGitHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """The service with an instance that it provisioned; tests use repositories of their own."""
    folder = tmp_path_factory.mktemp("service")
    service = QuickService(folder, settings=_settings(github))
    service.start()
    github.webhook_url = f"{service.url}/webhooks/github"
    service.coppice("instances", "provision", "local")
    yield service
    github.webhook_url = None
    assert service.stop() == 0, service.log.read_text()


@pytest.fixture(scope="session")
def action(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Action, as a workflow's `uses:` finds it."""
    return copy_action(tmp_path_factory.mktemp("action"))


_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def site(
    github: LocalGitHub, service: Service, action: Path, tmp_path_factory: pytest.TempPathFactory
) -> Site:
    folder = tmp_path_factory.mktemp("site")
    runner = Runner(folder / "runner", action=action)
    return Site(github=github, service=service, runner=runner, folder=folder)


@pytest.fixture(scope="session")
def new_project(site: Site) -> NewProject:
    """Makes a repository with files and a workflow, and an app for it."""

    def make(plan: Plan) -> Project:
        return Project.create(site, plan, name=f"shop-{next(_numbers)}")

    return make


def _settings(github: LocalGitHub) -> dict[str, str]:
    return {
        "COPPICE_GITHUB_URL": github.url,
        "COPPICE_GITHUB_API_URL": github.api_url,
        "COPPICE_OIDC_ISSUER": github.oidc_issuer,
        "COPPICE_GITHUB_APP_ID": str(github.app_id),
        "COPPICE_GITHUB_PRIVATE_KEY": github.private_key,
        "COPPICE_GITHUB_WEBHOOK_SECRETS": github.webhook_secret,
    }

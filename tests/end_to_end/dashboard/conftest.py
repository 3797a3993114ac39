"""Fixtures of the dashboard: Chromium, and a service with an operator."""

from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from demo.github.server import LocalGitHub
from tests.end_to_end.dashboard.looks import overhang
from tests.end_to_end.dashboard.visitor import CHROMIUM, FLAGS, OPERATOR, Dashboard
from tests.end_to_end.service import QuickService

Visit = Callable[..., Page]


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed; script/setup says what to ask for.")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=list(FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="package")
def dashboard(chromium: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Dashboard]:
    """Everything that is there before the first visit; tests make instances of their own."""
    folder = tmp_path_factory.mktemp("dashboard")
    with LocalGitHub() as github:
        github.install("acme")
        service = QuickService(folder, settings=_settings(github))
        github.allow_callback(f"{service.url}/login/callback")
        service.start()
        github.webhook_url = f"{service.url}/webhooks/github"
        yield Dashboard(github=github, service=service, browser=chromium, folder=folder)
        github.webhook_url = None
        assert service.stop() == 0, service.log.read_text()


@pytest.fixture
def visit(dashboard: Dashboard) -> Iterator[Visit]:
    """Opens pages of the dashboard; after the test none sticks out of the screen."""
    yield dashboard.visit
    if dashboard.window is not None:
        assert overhang(dashboard.window) <= 0, dashboard.window.url


@pytest.fixture(scope="package")
def instance(dashboard: Dashboard) -> str:
    """An instance for tests that are about something else."""
    dashboard.service.coppice("instances", "provision", "shared")
    return "shared"


def _settings(github: LocalGitHub) -> dict[str, str]:
    return {
        "COPPICE_GITHUB_URL": github.url,
        "COPPICE_GITHUB_API_URL": github.api_url,
        "COPPICE_OIDC_ISSUER": github.oidc_issuer,
        "COPPICE_GITHUB_APP_ID": str(github.app_id),
        "COPPICE_GITHUB_PRIVATE_KEY": github.private_key,
        "COPPICE_GITHUB_WEBHOOK_SECRETS": github.webhook_secret,
        "COPPICE_GITHUB_CLIENT_ID": github.client_id,
        "COPPICE_GITHUB_CLIENT_SECRET": github.client_secret,
        "COPPICE_OPERATORS": OPERATOR,
    }

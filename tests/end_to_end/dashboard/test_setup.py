"""The first start: an operator's link, and GitHub connected by one button."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from demo.github.server import LocalGitHub
from demo.service import Service
from demo.stage import wait_for
from tests.end_to_end.dashboard.visitor import PATIENCE_MS
from tests.end_to_end.service import QuickService


@pytest.fixture
def github() -> Iterator[LocalGitHub]:
    with LocalGitHub() as github:
        yield github


@pytest.fixture
def service(github: LocalGitHub, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Service]:
    """As it is before anybody has set anything but where GitHub is."""
    service = QuickService(
        tmp_path_factory.mktemp("first-start"),
        settings={
            "COPPICE_GITHUB_URL": github.url,
            "COPPICE_GITHUB_API_URL": github.api_url,
            "COPPICE_OIDC_ISSUER": github.oidc_issuer,
        },
    )
    service.start()
    yield service
    assert service.stop() == 0, service.log.read_text()


def test_from_the_first_start_to_an_installed_app_without_a_terminal(
    chromium: Browser, github: LocalGitHub, service: Service
) -> None:
    repository = github.create_repository("acme/shop")
    github.join(github.grant(repository, "mona", "admin"), repository.owner)
    link = wait_for(
        lambda: re.search(r"http://\S+/login/link\?token=[\w-]+", service.log.read_text()),
        what="link for the operator",
    )
    context = chromium.new_context(viewport={"width": 390, "height": 844}, color_scheme="dark")
    context.set_default_timeout(PATIENCE_MS)
    page = context.new_page()

    page.goto(link[0])
    page.get_by_role("button", name="Log in").click()
    page.goto(f"{service.url}/instances")
    expect(page.locator("main")).to_contain_text("No PostgreSQL server yet")
    page.get_by_role("link", name="GitHub").click()
    page.get_by_label("Organization", exact=True).fill("acme")
    page.get_by_role("button", name="Continue with the organization").click()
    page.get_by_role("button", name="Create the GitHub App").click()
    page.get_by_role("button", name="Create GitHub App for acme").click()
    expect(page.locator("main")).to_contain_text("GitHub is connected")
    page.get_by_role("link", name="Install the App").click()
    page.get_by_role("button", name="Install on acme").click()
    page.goto(f"{service.url}/setup")
    page.get_by_role("button", name="Log out").click()
    page.get_by_role("link", name="Log in with GitHub").click()
    page.get_by_role("button", name="mona").click()

    expect(page.locator(".who")).to_contain_text("mona")
    expect(page.locator("main")).to_contain_text("No app yet")
    context.close()

"""The link that lets an operator in without a GitHub account."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import urlsplit

import pytest

from app import bootstrap
from app.config import Config
from app.operations.administration import login_links
from app.operations.services import Services
from tests.integration.auth.site import Browser, Site, link_of


@pytest.fixture(scope="module")
def app_settings() -> bool:
    return False


@pytest.fixture(scope="module")
def services(site: Site, settings: dict[str, str]) -> Iterator[Services]:
    """Another process of the service, such as `login-link`."""
    config = Config.from_environ({**settings, "COPPICE_PUBLIC_URL": site.url})
    with (
        bootstrap.open_state(config) as state,
        bootstrap.open_services(config, state, bootstrap.clusters(config)) as opened,
    ):
        yield opened


def test_the_link_lets_an_operator_in(browser: Browser, services: Services, site: Site) -> None:
    answer = browser.use_link(link_of(services))

    assert (answer.status_code, answer.headers["Location"]) == (303, "/setup")
    assert browser.who() == "operator"
    assert browser.get("/setup").status_code == 200
    assert ("operator", "log in") in site.audit()


def test_the_link_works_once(browser: Browser, services: Services, site: Site) -> None:
    link = link_of(services)
    page = browser.get(link)
    browser.submit(page, action="/login/link")
    other = site.browser()

    assert other.get(link).status_code == 403
    late = browser.submit(page, action="/login/link")
    assert late.status_code == 403
    again = browser.get(link)  # who came in by it, and goes back to it
    assert (again.status_code, again.headers["Location"]) == (302, "/")


def test_two_who_hold_the_same_page_get_in_once(site: Site, services: Services) -> None:
    link = link_of(services)
    pages = [(each, each.get(link)) for each in (site.browser(), site.browser())]

    answers = [each.submit(page, action="/login/link").status_code for each, page in pages]

    assert answers == [303, 403]


def test_looking_at_the_link_does_not_use_it_up(site: Site, services: Services) -> None:
    link = link_of(services)
    for _ in range(3):
        assert site.browser().get(link).status_code == 200

    assert site.browser().use_link(link).status_code == 303


def test_the_link_ends_after_an_hour(browser: Browser, services: Services) -> None:
    then = services.clock() - login_links.LIFETIME - timedelta(seconds=1)

    answer = browser.get(link_of(replace(services, clock=lambda: then)))

    assert answer.status_code == 403
    assert "login-link" in answer.text


@pytest.mark.parametrize("token", ["", "x", "%00", "%ff%fe", "a" * 1000])
def test_a_made_up_link_opens_nothing(browser: Browser, token: str) -> None:
    assert browser.get(f"/login/link?token={token}").status_code == 403


def test_another_site_cannot_log_anybody_in_with_its_link(
    browser: Browser, services: Services
) -> None:
    token = urlsplit(link_of(services)).query.removeprefix("token=")

    answer = browser.session.post(
        f"{browser.site.url}/login/link",
        data={"token": token},
        headers={"Origin": "https://evil.example"},
        timeout=30,
    )

    assert answer.status_code == 403
    assert browser.who() is None


def test_the_state_database_knows_no_link(site: Site, services: Services) -> None:
    token = urlsplit(link_of(services)).query.removeprefix("token=")

    stored = site.rows("SELECT * FROM login_links")

    assert stored
    assert token not in str(stored)


def test_without_an_app_the_log_in_page_says_how_to_get_in(browser: Browser) -> None:
    page = browser.get("/login").text

    assert "coppice login-link" in page
    assert "/login/github" not in page
    assert browser.get("/login/github").status_code == 409

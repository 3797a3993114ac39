"""Becoming a GitHub App by one button, and what must not make the service one."""

import json
import re
from collections.abc import Iterator
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from app import bootstrap
from app.config import Config
from app.core.errors import Forbidden, GitHubUnavailable
from app.core.github_app import EVENTS, MEMBERS, PERMISSIONS
from app.core.people import Oversee
from app.operations import access
from app.operations.services import Services
from demo.github.faults import server_error
from tests.integration.auth.conftest import MakeApplication
from tests.integration.auth.site import Browser, Site, form_of, link_of


@pytest.fixture(scope="module")
def app_settings() -> bool:
    return False


@pytest.fixture(scope="module")
def services(site: Site, settings: dict[str, str]) -> Iterator[Services]:
    """Another process of the service, such as the worker."""
    config = Config.from_environ({**settings, "COPPICE_PUBLIC_URL": site.url})
    with (
        bootstrap.open_state(config) as state,
        bootstrap.open_services(config, state, bootstrap.clusters(config)) as opened,
    ):
        yield opened


@pytest.fixture
def operator(browser: Browser, services: Services) -> Browser:
    """Logged in by the link, at a service without an App."""
    services.github_app.forget()
    browser.use_link(link_of(services))
    return browser


OWN = "/setup?account=own"


def create(operator: Browser, *, owner: str = "mona", page: str = OWN) -> str:
    """Press the button and confirm at GitHub; returns where GitHub sends the browser."""
    confirmation = operator.submit(operator.get(page), action="/settings/apps/new")
    assert confirmation.status_code == 200, confirmation.text
    name = re.search(r'name="name" value="([^"]*)"', confirmation.text)
    assert name, confirmation.text
    made = operator.submit(confirmation, values={"owner": owner, "name": name[1]})
    return made.headers["Location"]


def test_one_button_connects_github(operator: Browser, site: Site) -> None:
    answer = operator.get(create(operator))

    assert (answer.status_code, answer.headers["Location"]) == (303, "/setup")
    page = operator.get("/setup").text
    slug = site.github.context.identity.slug
    assert f"{site.github.url}/apps/{slug}/installations/new" in page
    assert ("operator", "setup connect") in site.audit()


def test_nothing_is_assigned_before_github_is_connected(operator: Browser) -> None:
    before = operator.get("/assign").text
    operator.get(create(operator))
    after = operator.get("/assign").text

    assert "GitHub is not connected yet" in before
    assert 'href="/setup">Connect GitHub' in before
    assert 'action="/assign"' not in before
    assert "GitHub is not connected yet" not in after


def test_the_manifest_asks_for_what_the_page_says_and_for_no_more(
    operator: Browser, site: Site
) -> None:
    page = operator.get(OWN).text
    _, fields = form_of(page, "/settings/apps/new")
    manifest = json.loads(fields["manifest"])

    asked = {right.name: right.level for right in (*PERMISSIONS, MEMBERS)}
    assert manifest["default_permissions"] == asked
    assert manifest["default_events"] == [event.name for event in EVENTS]
    assert manifest["public"] is False
    assert manifest["hook_attributes"]["url"] == f"{site.url}/webhooks/github"
    for right in (*PERMISSIONS, *EVENTS, MEMBERS):
        assert right.why.replace("'", "&#39;") in page


def test_secrets_are_stored_encrypted_and_shown_nowhere(operator: Browser, site: Site) -> None:
    operator.get(create(operator))

    [row] = site.rows("SELECT * FROM github_app")
    stored = str({name: bytes(v) if isinstance(v, memoryview) else v for name, v in row.items()})
    identity, hook = site.github.context.identity, site.github.hook
    shown = operator.get("/setup").text + site.web.log.read_text()
    for secret in (identity.client_secret, hook.secret, "PRIVATE KEY"):
        assert secret not in stored
        assert secret not in shown


def test_every_process_picks_the_app_up_without_a_restart(
    operator: Browser, site: Site, services: Services
) -> None:
    with pytest.raises(GitHubUnavailable):
        services.github.installations()

    operator.get(create(operator))

    body = b'{"zen": "Keep it logically awesome."}'
    headers = {
        "X-Hub-Signature-256": site.github.hook.signature(body),
        "X-GitHub-Event": "ping",
        "Content-Type": "application/json",
    }

    def all_take_it() -> bool:
        # More requests than there are workers, on connections of their own.
        answers = [
            site.web.post(body, {**headers, "X-GitHub-Delivery": f"{i}"}).status_code
            for i in range(8)
        ]
        return set(answers) == {202}

    site.web.wait_until(all_take_it)
    site.web.wait_until(lambda: services.github_app.current() is not None)
    services.github.installations()


def test_people_log_in_with_the_new_app(operator: Browser, site: Site) -> None:
    operator.get(create(operator, owner="mona"))

    someone = site.browser()
    someone.log_in("mona", after="/apps")

    assert someone.who() == "mona"


def test_installing_it_leads_back_and_its_event_is_taken_in(operator: Browser, site: Site) -> None:
    operator.get(create(operator))
    link = f"{site.github.url}/apps/{site.github.context.identity.slug}/installations/new"

    def installed() -> bool:
        answer = operator.submit(operator.get(link), values={"account": "mona"})
        site.github.hook.wait()
        assert answer.headers["Location"].startswith(f"{site.url}/setup?installation_id=")
        return site.github.deliveries[-1].status_code == 202

    site.web.wait_until(installed)


def test_who_has_installed_it_is_not_told_to_install_it_next(operator: Browser, site: Site) -> None:
    operator.get(create(operator))
    link = f"{site.github.url}/apps/{site.github.context.identity.slug}/installations/new"

    def says(words: str) -> bool:
        return all(words in operator.get("/setup").text for _ in range(8))

    # Each process of the web server hears of the new App in its own time.
    site.web.wait_until(lambda: says("Next, install it"))
    operator.submit(operator.get(link), values={"account": "mona"})
    site.web.wait_until(lambda: says("It is installed."))
    after = operator.get("/setup").text
    site.github.faults.plan(server_error(), times=100)
    silent = operator.get("/setup").text
    site.github.faults.clear()

    for page in (after, silent):
        assert "Next, install it" not in page
        assert f'href="{link}"' in page


def test_an_organization_s_app_is_made_there(operator: Browser, site: Site) -> None:
    site.github.organization("acme")

    operator.get(create(operator, owner="acme", page="/setup?organization=acme"))

    assert site.github.context.identity.owner.login == "acme"


def test_whose_repositories_is_asked_before_anything_is_made(operator: Browser) -> None:
    """An App of the own account is installed on no organization."""
    asked = operator.get("/setup").text
    of_acme = operator.get("/setup?organization=acme").text

    assert "Whose repositories?" in asked
    assert "/settings/apps/new" not in asked
    assert "/organizations/acme/settings/apps/new?state=" in of_acme
    assert "on repositories of acme, on no others" in of_acme
    assert "only members of acme can log in" in of_acme


def test_an_app_for_several_accounts_is_made_public(operator: Browser, site: Site) -> None:
    site.github.organization("acme")
    page = "/setup?organization=acme"
    assert f'href="{page}&amp;public=yes"' in operator.get(page).text

    operator.get(create(operator, owner="acme", page=f"{page}&public=yes"))

    assert site.github.context.identity.is_public


@pytest.mark.parametrize("name", ["", "../x", "a b", "a/b", "é", "x?y"])
def test_what_is_no_organization_goes_nowhere(operator: Browser, name: str) -> None:
    answer = operator.get(f"/setup?organization={name}")

    assert answer.status_code == 400
    assert "Write its name as in the address of its page at GitHub" in answer.text
    assert "/settings/apps/new" not in answer.text


def test_a_state_of_another_browser_connects_nothing(
    operator: Browser, site: Site, services: Services
) -> None:
    """An attacker's App, sent to an operator as a link, must not become the service's."""
    attacker = site.browser()
    attacker.use_link(link_of(services))
    callback = create(attacker)
    operator.get(OWN)  # has begun one too

    answer = operator.get(callback)

    assert answer.status_code == 400
    assert site.rows("SELECT FROM github_app") == []


def test_an_answer_of_github_s_counts_once(operator: Browser, services: Services) -> None:
    callback = create(operator)
    operator.get(callback)
    services.github_app.forget()

    assert operator.get(callback).status_code == 400


@pytest.mark.parametrize("code", ["", "wrong", "../app", "%00"])
def test_a_wrong_code_is_said(operator: Browser, site: Site, code: str) -> None:
    target, _ = form_of(operator.get(OWN).text, "/settings/apps/new")
    [state] = parse_qs(urlsplit(target).query)["state"]

    answer = operator.get(f"/setup/created?state={state}&code={code}")

    assert answer.status_code == 400
    assert "GitHub does not know this code" in answer.text
    assert site.rows("SELECT FROM github_app") == []


def test_a_session_that_ended_meanwhile_is_said(operator: Browser, site: Site) -> None:
    callback = create(operator)

    answer = site.browser().get(callback)

    assert answer.status_code == 400
    assert "Nobody is logged in here any more" in answer.text


def test_there_is_one_app_at_most(operator: Browser, services: Services, site: Site) -> None:
    callback = create(operator)
    other = site.browser()
    other.use_link(link_of(services))
    other.get(create(other))

    answer = operator.get(callback)

    assert answer.status_code == 409
    assert len(site.rows("SELECT FROM github_app")) == 1


def test_an_app_can_be_forgotten_to_make_another(operator: Browser, site: Site) -> None:
    operator.get(create(operator))

    assert 'href="/setup/forget"' in operator.get("/setup").text
    asked = operator.get("/setup/forget")
    unsure = forget(operator, asked, "7")
    kept = site.rows("SELECT FROM github_app")
    forget(operator, asked, str(site.github.app_id))

    assert "nobody can bring them back" in asked.text
    assert (unsure.status_code, len(kept)) == (400, 1)
    assert f"That is not the name {site.github.app_id}." in unsure.text
    assert site.rows("SELECT FROM github_app") == []
    assert "/settings/apps/new" in operator.get(OWN).text
    assert operator.get("/setup/forget").status_code == 303


def forget(operator: Browser, asked: requests.Response, typed: str) -> requests.Response:
    """Send the page's form, with this typed into it."""
    return operator.submit(asked, action="/setup/forget", values={"confirmation": typed})


def test_an_app_of_the_settings_shows_where_it_is_installed(
    operator: Browser, make_application: MakeApplication, site: Site
) -> None:
    operator.get(create(operator))
    app = make_application(
        COPPICE_GITHUB_APP_ID=str(site.github.app_id),
        COPPICE_GITHUB_PRIVATE_KEY=site.github.private_key,
        COPPICE_GITHUB_WEBHOOK_SECRETS="the-secret-of-the-settings",
    )
    bearer = {"Authorization": "Bearer the-token-of-the-operator"}
    link = f"{site.github.url}/apps/{site.github.context.identity.slug}/installations/new"
    client = app.test_client()

    page = client.get("/setup", headers={**bearer, "Accept": "text/html"}).text
    told = client.get("/api/v1/github-app", headers=bearer)
    site.github.faults.plan(server_error(), times=100)
    silent = client.get("/setup", headers={**bearer, "Accept": "text/html"})
    site.github.faults.clear()

    assert f'href="{link}"' in page
    assert told.get_json()["app"] == {
        "app_id": site.github.app_id,
        "url": link.removesuffix("/installations/new"),
        "install_url": link,
        "can_log_in": False,
        "from_settings": True,
    }
    for secret in ("the-secret-of-the-settings", "PRIVATE KEY"):
        assert secret not in told.text
    assert silent.status_code == 200
    assert "GitHub does not say just now" in silent.text


def test_a_program_forgets_the_app_too(operator: Browser, site: Site) -> None:
    operator.get(create(operator))
    url = f"{site.url}/api/v1/github-app"
    bearer = {"Authorization": "Bearer the-token-of-the-operator"}

    shown = requests.get(url, headers=bearer, timeout=30).json()
    answers = [requests.delete(url, headers=bearer, timeout=30).status_code for _ in range(2)]
    after = requests.get(url, headers=bearer, timeout=30).json()

    assert shown["app"]["from_settings"] is False
    assert answers == [204, 404]
    assert (after["app"], after["obstacle"]) == (None, None)
    assert {one["name"] for one in after["events"]} == {event.name for event in EVENTS}


def test_who_comes_back_from_an_installation_is_told_how_it_went(
    operator: Browser, site: Site
) -> None:
    operator.get(create(operator))
    install = f"{site.github.url}/apps/{site.github.context.identity.slug}/installations/new"
    back = operator.submit(operator.get(install), values={"account": "mona"}).headers["Location"]
    someone = site.browser()
    someone.log_in("mona")

    told = operator.get(back).text
    made_up = operator.get("/setup?installation_id=99999999&setup_action=install").text
    asked = operator.get("/setup?setup_action=request").text
    nonsense = operator.get("/setup?installation_id=x")
    other = someone.get(back, follow=True)

    assert "The App is installed." in told
    assert "The App is installed." not in made_up + asked + nonsense.text
    assert "GitHub knows no such installation" in made_up
    assert "asked the owners" in asked
    assert nonsense.status_code == 200
    assert (urlsplit(other.url).path, other.status_code) == ("/apps", 200)
    assert "GitHub sent you back here." in other.text


def test_only_operators_see_the_page(operator: Browser, site: Site) -> None:
    operator.get(create(operator))
    someone = site.browser()
    someone.log_in("mona")

    for path in ("/setup", "/setup/created?state=x&code=x"):
        assert someone.get(path).status_code == 403
    _, fields = form_of(someone.get("/nowhere").text, "/logout")
    sent = someone.session.post(f"{site.url}/setup/forget", fields, timeout=30)
    assert sent.status_code == 403
    assert len(site.rows("SELECT FROM github_app")) == 1
    assert site.browser().get("/setup").status_code == 302


@pytest.mark.parametrize(
    ("public_url", "obstacle"),
    [
        ("http://127.0.0.1:8000", "means this machine itself"),
        ("http://localhost:8000", "means this machine itself"),
        ("https://127.0.0.1", "means this machine itself"),
        ("http://coppice.example.com", "is not https"),
        ("https://coppice.example.com", None),
    ],
)
def test_the_button_is_offered_where_github_can_reach_the_service(
    operator: Browser, make_application: MakeApplication, public_url: str, obstacle: str | None
) -> None:
    app = make_application(
        COPPICE_PUBLIC_URL=public_url,
        COPPICE_GITHUB_URL="https://github.com",
        COPPICE_GITHUB_API_URL="https://api.github.com",
    )
    bearer = {"Authorization": "Bearer the-token-of-the-operator", "Accept": "text/html"}

    answer = app.test_client().get(OWN, headers=bearer)

    assert answer.status_code == 200
    assert (obstacle or public_url) in answer.text
    is_offered = "https://github.com/settings/apps/new?state=" in answer.text
    assert is_offered is (obstacle is None)
    policy = answer.headers["Content-Security-Policy"]
    assert ("form-action 'self' https://github.com;" in policy) is (obstacle is None)


def test_a_view_that_finds_out_nothing_of_who_asks_acts_for_nobody(
    make_application: MakeApplication,
) -> None:
    services: Services = make_application().extensions["services"]

    with pytest.raises(Forbidden):
        access.service(services, Oversee)


def test_settings_win_over_a_stored_app(
    operator: Browser, make_application: MakeApplication, site: Site
) -> None:
    operator.get(create(operator))
    app = make_application(
        COPPICE_GITHUB_APP_ID="77",
        COPPICE_GITHUB_PRIVATE_KEY=site.github.private_key,
        COPPICE_GITHUB_WEBHOOK_SECRETS="the-secret-of-the-settings",
    )
    services: Services = app.extensions["services"]

    found = services.github_app.current()

    assert found is not None
    assert found.app_id == 77
    bearer = {"Authorization": "Bearer the-token-of-the-operator", "Accept": "text/html"}
    client = app.test_client()
    assert "the environment of the service" in client.get("/setup", headers=bearer).text
    assert client.post("/setup/forget", headers=bearer).status_code == 409


def test_codes_for_secrets_work_once_at_github(operator: Browser, site: Site) -> None:
    [code] = parse_qs(urlsplit(create(operator)).query)["code"]
    url = f"{site.github.url}/app-manifests/{code}/conversions"

    answers = [requests.post(url, timeout=30).status_code for _ in range(2)]

    assert answers == [201, 404]

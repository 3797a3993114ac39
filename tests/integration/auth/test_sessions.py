"""Who the session's cookie speaks for, how it is kept from others, and when it ends."""

import time

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.store.vault import new_key
from app.web.auth import sessions
from tests.integration.auth.conftest import MakeApplication


@pytest.fixture
def browser(application: Flask) -> FlaskClient:
    return application.test_client()


def cookie_of(answer: TestResponse) -> str:
    [cookie] = answer.headers.getlist("Set-Cookie")
    return cookie


def test_who_logged_in_is_who_acts(browser: FlaskClient) -> None:
    browser.get("/as/mona")

    answer = browser.get("/act", environ_overrides={"REMOTE_ADDR": "192.0.2.7"})

    assert answer.json == {"name": "github:mona", "is_operator": True, "id": 7, "at": "192.0.2.7"}


@pytest.mark.parametrize(
    ("proxies", "forwarded", "source"),
    [
        ("0", "203.0.113.9", "192.0.2.7"),
        ("1", "203.0.113.9", "203.0.113.9"),
        ("1", "10.0.0.1, 203.0.113.9", "203.0.113.9"),
        ("2", "10.0.0.1, 203.0.113.9, 192.0.2.1", "203.0.113.9"),
        ("2", "203.0.113.9", "192.0.2.7"),
        ("1", "", "192.0.2.7"),
    ],
)
def test_where_somebody_is_say_the_proxies_in_front_and_nobody_else(
    make_application: MakeApplication, proxies: str, forwarded: str, source: str
) -> None:
    browser = make_application(COPPICE_PROXIES=proxies).test_client()
    browser.get("/as/mona")

    answer = browser.get(
        "/act",
        environ_overrides={"REMOTE_ADDR": "192.0.2.7"},
        headers={"X-Forwarded-For": forwarded},
    )

    assert answer.json is not None
    assert answer.json["at"] == source


def test_nobody_acts_without_a_session(browser: FlaskClient) -> None:
    assert browser.get("/act").status_code == 401


@pytest.mark.parametrize("authorization", ["Bearer wrong", "Basic eDp5", "Bearer", "x"])
def test_a_wrong_token_counts_for_nothing_even_with_a_session(
    browser: FlaskClient, authorization: str
) -> None:
    browser.get("/as/mona")

    assert browser.get("/act", headers={"Authorization": authorization}).status_code == 401


def test_the_cookie_over_http_is_kept_from_scripts_and_other_sites(browser: FlaskClient) -> None:
    cookie = cookie_of(browser.get("/as/mona"))

    name, _, rest = cookie.partition("=")
    assert name == "coppice"
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= set(rest.split("; "))
    assert "Secure" not in rest.split("; ")


def test_the_cookie_over_https_can_be_planted_by_nobody(make_application: MakeApplication) -> None:
    app = make_application(COPPICE_PUBLIC_URL="https://coppice.example.com")

    cookie = cookie_of(app.test_client().get("/as/mona", base_url="https://coppice.example.com"))

    name, _, rest = cookie.partition("=")
    assert name == "__Host-coppice"
    assert {"Secure", "HttpOnly", "SameSite=Lax", "Path=/"} <= set(rest.split("; "))
    assert "Domain" not in rest


def test_a_session_ends_after_twelve_hours(
    browser: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    browser.get("/as/mona")
    now = time.time()

    seen = []

    for after in (sessions.SESSION_SECONDS - 10, sessions.SESSION_SECONDS + 1):
        monkeypatch.setattr(time, "time", lambda after=after: now + after)
        seen.append(browser.get("/act").status_code)
        browser.get("/touch")  # what changes in a session does not prolong it

    assert seen == [200, 401]


@pytest.mark.parametrize("place", [0, 30, -1])
def test_a_changed_cookie_is_nobody_s(browser: FlaskClient, place: int) -> None:
    browser.get("/as/mona")
    cookie = browser.get_cookie("coppice")
    assert cookie is not None
    letters = list(cookie.value)
    # Not "B": the last letter's two lowest bits are no part of the signature.
    letters[place] = "A" if letters[place] != "A" else "Q"

    browser.set_cookie("coppice", "".join(letters))

    assert browser.get("/act").status_code == 401


def test_sessions_survive_a_new_key_as_long_as_the_old_one_is_kept(
    make_application: MakeApplication, settings: dict[str, str]
) -> None:
    old, new = settings["COPPICE_SECRET_KEYS"], new_key()
    before = make_application().test_client()
    before.get("/as/mona")
    cookie = before.get_cookie("coppice")
    assert cookie is not None
    seen = {}

    for keys in (f"{new},{old}", new):
        after = make_application(COPPICE_SECRET_KEYS=keys).test_client()
        after.set_cookie("coppice", cookie.value)
        seen[keys] = after.get("/act").status_code

    assert seen == {f"{new},{old}": 200, new: 401}


def test_cookies_are_not_signed_with_the_key_that_encrypts() -> None:
    key = new_key()

    [derived] = sessions.signing_keys([key])

    assert len(derived) == 32
    assert derived not in key.encode()


def test_nothing_of_the_time_before_the_log_in_stays(browser: FlaskClient) -> None:
    before = browser.get("/form").text

    after = browser.get("/as/mona").text

    assert before != after


@pytest.mark.parametrize(
    ("login", "teams", "operators", "expected"),
    [
        ("octocat", [], ["octocat"], True),
        ("OctoCat", [], ["octocat"], True),
        ("octocat", [], [], False),
        ("octocat", [], ["octocat2", "acme/octocat"], False),
        ("mona", ["acme/admins"], ["acme/admins"], True),
        ("mona", ["ACME/Admins"], ["acme/admins"], True),
        ("mona", ["acme/admins"], ["other/admins", "acme"], False),
    ],
)
def test_operators_are_whom_the_settings_name(
    login: str, teams: list[str], operators: list[str], *, expected: bool
) -> None:
    assert sessions.is_operator(login, teams, operators=operators) is expected

"""Requests that change something: which are believed for the session's cookie."""

import pytest
from flask import Flask
from flask.testing import FlaskClient

HERE = "http://localhost"
ELSEWHERE = "https://evil.example"


@pytest.fixture
def browser(application: Flask) -> FlaskClient:
    return application.test_client()


@pytest.fixture
def token(browser: FlaskClient) -> str:
    """Of a session in which somebody is logged in."""
    return browser.get("/as/mona").text


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"Sec-Fetch-Site": "same-origin", "Origin": HERE}, 200),
        ({"Origin": HERE}, 200),
        ({"Origin": "http://127.0.0.1:8000"}, 200),
        ({"Origin": ELSEWHERE}, 403),
        ({"Origin": "null"}, 403),
        ({"Origin": ""}, 403),
        ({"Origin": "http://localhost.evil.example"}, 403),
        ({"Sec-Fetch-Site": "cross-site"}, 403),
        ({"Sec-Fetch-Site": "same-site"}, 403),
        ({"Sec-Fetch-Site": "none"}, 403),
        ({"Sec-Fetch-Site": "cross-site", "Origin": HERE}, 403),
    ],
)
def test_the_form_s_token_counts_only_from_our_own_pages(
    browser: FlaskClient, token: str, headers: dict[str, str], status: int
) -> None:
    answer = browser.post("/act", data={"csrf_token": token}, headers=headers)

    assert answer.status_code == status


@pytest.mark.parametrize("given", ["", "wrong", "ü", "x" * 10_000])
@pytest.mark.parametrize("path", ["/act", "/api/act"])
def test_without_the_session_s_token_nothing_changes(
    browser: FlaskClient, token: str, path: str, given: str
) -> None:
    answer = browser.post(path, data={"csrf_token": given})

    assert answer.status_code == 403


def test_another_session_s_token_is_of_no_use(
    application: Flask, browser: FlaskClient, token: str
) -> None:
    other = application.test_client().get("/as/mallory").text

    assert browser.post("/act", data={"csrf_token": other}).status_code == 403


def test_the_token_may_come_as_a_header(browser: FlaskClient, token: str) -> None:
    answer = browser.post("/api/act", json={}, headers={"X-CSRF-Token": token})

    assert answer.status_code == 200


def test_a_form_is_checked_also_when_nobody_is_logged_in(browser: FlaskClient) -> None:
    assert browser.post("/act").status_code == 403


def test_a_bearer_needs_no_token_because_no_browser_adds_it(browser: FlaskClient) -> None:
    bearer = {"Authorization": "Bearer the-token-of-the-operator"}

    assert browser.post("/act", headers=bearer).status_code == 200


def test_a_header_of_an_attacker_does_not_lend_the_cookie(browser: FlaskClient, token: str) -> None:
    answer = browser.post("/act", headers={"Authorization": "Bearer x"})

    assert answer.status_code == 401


def test_the_api_says_itself_that_nobody_is_logged_in(browser: FlaskClient) -> None:
    assert browser.post("/api/act").status_code == 401


def test_webhooks_are_judged_by_their_signature_alone(browser: FlaskClient, token: str) -> None:
    answer = browser.post("/webhooks/github", data=b"{}", headers={"Origin": ELSEWHERE})

    assert answer.json is not None
    assert (answer.status_code, answer.json["error"]) == (401, "wrong_signature")


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "POST"])
def test_every_method_that_changes_is_checked(
    browser: FlaskClient, token: str, method: str
) -> None:
    assert browser.open("/act", method=method).status_code in {403, 405}

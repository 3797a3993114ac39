"""Tokens of the API, made and revoked in the browser."""

import requests
from playwright.sync_api import expect

from tests.end_to_end.dashboard.conftest import Visit
from tests.end_to_end.dashboard.looks import DESK_DARK, PHONE_LIGHT
from tests.end_to_end.dashboard.visitor import Dashboard


def test_a_token_is_shown_once_works_as_said_and_ends_when_revoked(
    dashboard: Dashboard, visit: Visit
) -> None:
    page = visit("/tokens", **DESK_DARK)
    page.get_by_label("Name").fill("for reading")
    page.get_by_role("button", name="Make token").click()
    secret = page.locator("#secret").inner_text()
    headers = {"Authorization": f"Bearer {secret}"}

    listed = requests.get(f"{dashboard.url}/api/v1/instances", headers=headers, timeout=30)
    changed = requests.post(f"{dashboard.url}/api/v1/tokens/1", headers=headers, timeout=30)
    page.get_by_role("link", name="Done").click()
    expect(page.locator("main")).not_to_contain_text(secret)
    page.get_by_role("button", name="Revoke").first.click()
    expect(page.locator(".notice")).to_contain_text("works no more")
    later = requests.get(f"{dashboard.url}/api/v1/instances", headers=headers, timeout=30)

    assert (listed.status_code, later.status_code) == (200, 401)
    assert changed.status_code in {403, 405}


def test_a_wrong_request_keeps_what_was_typed(visit: Visit) -> None:
    page = visit("/tokens", **PHONE_LIGHT)
    page.get_by_label("Name").fill("kept")
    page.get_by_label("Days").fill("many")
    page.get_by_role("button", name="Make token").click()

    expect(page.get_by_role("alert")).to_contain_text("between 1 and")
    expect(page.get_by_label("Name")).to_have_value("kept")

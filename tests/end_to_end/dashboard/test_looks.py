"""How pages are for everybody: narrow and wide, light and dark, by keyboard, by screen reader."""

import pytest
from playwright.sync_api import expect

from tests.end_to_end.dashboard.conftest import Visit
from tests.end_to_end.dashboard.visitor import AXE, Dashboard

_GRAVE = {"serious", "critical"}


@pytest.fixture(scope="module")
def places(dashboard: Dashboard, instance: str) -> list[str]:
    """Pages of every kind, with something on them."""
    dashboard.github.create_repository("acme/looks")
    dashboard.service.coppice(
        "apps", "assign", "acme/looks", instance, "--app-id", "looks", "--wait"
    )
    return [
        "/instances",
        f"/instances/{instance}",
        f"/instances/{instance}/edit",
        f"/instances/{instance}/delete",
        "/provision",
        "/link",
        "/apps",
        "/apps/looks",
        "/apps/looks/edit",
        "/apps/looks/remove",
        "/assign",
        "/databases/1/reset",
        "/databases/1/delete",
        "/audit",
        "/tokens",
        "/setup",
        "/api",
        "/no-such-page",
    ]


@pytest.mark.skipif(not AXE.exists(), reason="axe is not installed: script/setup needs npm")
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [390, 1280])
def test_every_page_is_for_everybody(
    dashboard: Dashboard, visit: Visit, places: list[str], width: int, scheme: str
) -> None:
    page = visit("/", width=width, scheme=scheme)
    found = {}
    for place in places:
        page.goto(dashboard.url + place)
        page.evaluate(AXE.read_text())
        violations = page.evaluate("axe.run()")["violations"]
        grave = [
            (each["id"], each["nodes"][0]["html"])
            for each in violations
            if each["impact"] in _GRAVE
        ]
        overhang = page.evaluate("document.documentElement.scrollWidth - innerWidth")
        if grave or overhang > 0:
            found[place] = (grave, overhang)

    assert not found


def test_the_keyboard_reaches_the_content_first(visit: Visit) -> None:
    page = visit("/instances")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()


def test_a_part_that_refreshes_keeps_the_focus(visit: Visit, places: list[str]) -> None:
    page = visit("/apps/looks")
    page.locator("#state button").nth(1).focus()
    page.evaluate(
        """() => {
            const part = document.getElementById("state");
            part.dataset.refresh = "1";
            part.querySelector("h2").textContent = "out of date";
            return look();
        }"""
    )

    expect(page.locator("#state h2").first).to_have_text("Environments")
    expect(page.locator("#state button").nth(1)).to_be_focused()
    assert page.locator("#state").get_attribute("data-refresh") is None


def test_who_is_not_logged_in_is_sent_there_and_back(dashboard: Dashboard) -> None:
    page = dashboard.stranger()
    page.goto(f"{dashboard.url}/audit?q=x")
    page.get_by_role("link", name="GitHub").click()
    page.get_by_role("button", name="mona").click()

    expect(page).to_have_url(f"{dashboard.url}/audit?q=x")
    page.get_by_role("button", name="Log out").click()
    page.goto(f"{dashboard.url}/instances")
    assert "/login" in page.url
    page.context.close()

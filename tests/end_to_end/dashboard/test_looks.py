"""How pages are for everybody: narrow and wide, light and dark, by keyboard, by screen reader."""

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.dashboard.conftest import Visit
from tests.end_to_end.dashboard.visitor import AXE, Dashboard

_GRAVE = {"serious", "critical"}
# What is in order, and where each thing is, takes longer to tell than all else.
_BRIEFLY = "resultTypes: ['violations'], selectors: false"
_MISSING = "/no-such-page"


@pytest.fixture(scope="module")
def places(dashboard: Dashboard, instance: str) -> list[str]:
    """Pages of every kind, with something on them."""
    dashboard.github.create_repository("acme/looks")
    dashboard.service.coppice(
        "apps", "assign", "acme/looks", instance, "--app-id", "looks", "--wait"
    )
    offered = dashboard.service.coppice("instances", "offer", instance)
    claim = "/claim/" + offered.strip().rpartition("/claim/")[2]
    return [
        "/instances",
        f"/instances/{instance}",
        f"/instances/{instance}/edit",
        f"/instances/{instance}/delete",
        f"/instances/{instance}/limits",
        f"/instances/{instance}/offer",
        claim,
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
        _MISSING,
    ]


@pytest.mark.skipif(not AXE.exists(), reason="axe is not installed: script/setup needs npm")
def test_every_page_is_for_everybody(dashboard: Dashboard, visit: Visit, places: list[str]) -> None:
    page = visit("/")
    found = {}
    for place in places:
        page.emulate_media(color_scheme="light")
        answer = page.goto(dashboard.url + place)
        assert answer is not None
        assert answer.ok == (place != _MISSING), place
        page.evaluate(AXE.read_text())
        for width in (390, 1280):
            page.set_viewport_size({"width": width, "height": 844})
            page.emulate_media(color_scheme="light")
            grave = _grave(page, f"axe.run({{{_BRIEFLY}}})")
            overhang = page.evaluate("document.documentElement.scrollWidth - innerWidth")
            page.emulate_media(color_scheme="dark")
            # All that the scheme changes.
            grave += _grave(page, f"axe.run({{runOnly: ['color-contrast'], {_BRIEFLY}}})")
            if grave or overhang > 0:
                found[place, width] = (grave, overhang)

    assert not found


def _grave(page: Page, check: str) -> list[tuple[str, str]]:
    violations = page.evaluate(check)["violations"]
    return [
        (each["id"], each["nodes"][0]["html"]) for each in violations if each["impact"] in _GRAVE
    ]


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

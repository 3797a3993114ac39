"""How pages are for everybody: narrow and wide, light and dark, by keyboard, by screen reader."""

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.dashboard.conftest import Visit
from tests.end_to_end.dashboard.visitor import AXE, Dashboard

_GRAVE = {"serious", "critical"}
# What is in order, and where each thing is, takes longer to tell than all else.
_BRIEFLY = "resultTypes: ['violations'], selectors: false"
_MISSING = "/no-such-page"
# The lines into which the browser breaks the text of an element.
_LINES = """code => {
    const text = code.firstChild, lines = [];
    for (let at = 0, top = null; at < text.length; at++) {
        const range = document.createRange();
        range.setStart(text, at);
        range.setEnd(text, at + 1);
        const here = Math.round(range.getBoundingClientRect().top);
        if (here !== top) { lines.push(""); top = here; }
        lines[lines.length - 1] += text.data[at];
    }
    return lines;
}"""


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


def test_names_of_databases_break_between_their_words_alone(
    dashboard: Dashboard, visit: Visit
) -> None:
    """Also beside the long reason of one for which there is no room."""
    repository = dashboard.github.create_repository("acme/names-of-branches")
    coppice = dashboard.service.coppice
    coppice("instances", "provision", "narrow")
    coppice("instances", "limit", "narrow", "--databases", "3")
    for branch in ("renovate/major-upgrade-of-the-monorepo", "fix/checkout-rounding"):
        dashboard.github.push(repository, branch)
        dashboard.github.open_pull_request(repository, branch)
    coppice("apps", "assign", "acme/names-of-branches", "narrow", "--app-id", "names")
    page = visit("/instances/narrow", width=1280)
    expect(page.locator(".reason")).to_have_count(1)

    names = page.locator("table.databases tbody th code").filter(has_text="names-")
    lines = names.evaluate_all(f"codes => codes.map({_LINES})")

    assert len(lines) == 4
    assert [each for name in lines for each in name[:-1] if not each.endswith("-")] == []
    assert ["names-production"] in lines


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("width", [390, 800])
def test_a_database_takes_little_of_a_narrow_screen(visit: Visit, width: int) -> None:
    page = visit("/apps/looks", width=width)

    for row in page.locator("table.databases tbody tr").all():
        box = row.bounding_box()
        assert box is not None
        assert box["height"] < 200


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

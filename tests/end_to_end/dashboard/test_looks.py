"""How pages are for everybody: narrow and wide, light and dark, by keyboard, by screen reader."""

from itertools import pairwise

import pytest
from playwright.sync_api import Page, expect

from tests.end_to_end.dashboard.conftest import Visit
from tests.end_to_end.dashboard.looks import (
    DESK_LIGHT,
    PHONE_DARK,
    Look,
    faults,
    needs_axe,
)
from tests.end_to_end.dashboard.visitor import Dashboard

_MISSING = "/no-such-page"
# The lines into which the browser breaks the text of an element.
_LINES = """element => {
    const texts = document.createTreeWalker(element, NodeFilter.SHOW_TEXT), lines = [];
    let top = null;
    while (texts.nextNode()) {
        const text = texts.currentNode;
        for (let at = 0; at < text.length; at++) {
            const range = document.createRange();
            range.setStart(text, at);
            range.setEnd(text, at + 1);
            const here = Math.round(range.getBoundingClientRect().top);
            if (here !== top) { lines.push(""); top = here; }
            lines[lines.length - 1] += text.data[at];
        }
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
        "/apps",
        "/apps/looks",
        "/apps/looks/edit",
        "/apps/looks/remove",
        "/assign",
        "/databases/1/reset",
        "/databases/1/delete",
        "/audit",
        "/setup",
        "/login/device",
        "/api",
        _MISSING,
    ]


@needs_axe
@pytest.mark.timeout(600)
def test_every_page_is_for_everybody(dashboard: Dashboard, visit: Visit, places: list[str]) -> None:
    page = visit("/")
    found = {}
    for place in places:
        answer = page.goto(dashboard.url + place)
        assert answer is not None
        assert answer.ok == (place != _MISSING), place
        found[place] = faults(page)
    for shown, act in _AFTER_ACTS.items():
        act(page, dashboard.url)
        found[shown] = faults(page)

    assert {place: each for place, each in found.items() if each} == {}


@needs_axe
def test_the_way_in_is_for_everybody(dashboard: Dashboard) -> None:
    page = dashboard.stranger()
    link = dashboard.service.coppice("login-link").strip()
    found = {}
    for place in (f"{dashboard.url}/login", link):
        page.goto(place)
        expect(page.locator(".button.main, button.main")).to_contain_text("Log in")
        found[place] = faults(page)

    assert {place: each for place, each in found.items() if each} == {}
    page.context.close()


def _reveal(page: Page, url: str) -> None:
    page.goto(f"{url}/apps/looks")
    page.get_by_role("button", name="URL").first.click()
    expect(page.locator("#database-url")).to_contain_text("postgresql://")


def _make_token(page: Page, url: str) -> None:
    page.goto(f"{url}/tokens")
    page.get_by_label("Name").fill("looked at")
    page.get_by_role("button", name="Make token").click()
    expect(page.locator("#secret")).to_contain_text("coppice_")


def _list_tokens(page: Page, url: str) -> None:
    page.goto(f"{url}/tokens")
    expect(page.get_by_role("button", name="Revoke looked at")).to_be_visible()


def _offer(page: Page, url: str) -> None:
    page.goto(f"{url}/instances/shared/offer")
    page.get_by_role("button", name="Make the link").click()
    expect(page.locator("#claim-link")).to_contain_text("/claim/")


def _mistake(page: Page, url: str) -> None:
    page.goto(f"{url}/link")
    page.get_by_label("Name").fill("nowhere")
    page.get_by_label("Connection string").fill("postgresql://ann:secret@127.0.0.1:1/postgres")
    page.get_by_role("button", name="Test connection").click()
    expect(page.get_by_role("alert")).to_contain_text("does not accept connections")


_AFTER_ACTS = {
    "a revealed URL": _reveal,
    "a made token": _make_token,
    "a list of tokens": _list_tokens,
    "a made offer": _offer,
    "a form with a mistake": _mistake,
}


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
    expect(page.locator("table.databases .reason")).to_have_count(1)

    names = page.locator("table.databases tbody th code").filter(has_text="names-")
    lines = names.evaluate_all(f"codes => codes.map({_LINES})")

    assert len(lines) == 4
    assert [each for name in lines for each in pairwise(name) if not _is_between_words(*each)] == []
    assert ["names-production"] in lines


def _is_between_words(line: str, following: str) -> bool:
    """After one hyphen, or before two: never between or after those."""
    if following.startswith("-"):
        return following.startswith("--") and not line.endswith("-")
    return line.endswith("-") and not line.endswith("--")


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("look", [PHONE_DARK, DESK_LIGHT])
def test_a_time_is_on_one_line(visit: Visit, look: Look) -> None:
    page = visit("/audit", **look)

    lines = page.locator("time").evaluate_all(f"times => times.map({_LINES})")

    assert lines
    assert {len(each) for each in lines} == {1}


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("place", ["limits", "offer"])
def test_fields_beside_each_other_are_alike(visit: Visit, instance: str, place: str) -> None:
    page = visit(f"/instances/{instance}/{place}", **DESK_LIGHT)

    for pair in page.locator(".pair").all():
        boxes = [field.bounding_box() for field in pair.locator("input").all()]
        left, right = [box for box in boxes if box]
        assert (left["y"], left["width"]) == (right["y"], right["width"])


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("width", [390, 800])
def test_a_database_takes_little_of_a_narrow_screen(visit: Visit, width: int) -> None:
    page = visit("/apps/looks", width=width)

    for row in page.locator("table.databases tbody tr").all():
        box = row.bounding_box()
        assert box is not None
        assert box["height"] < 200


@pytest.mark.usefixtures("places")
@pytest.mark.parametrize("look", [PHONE_DARK, DESK_LIGHT])
def test_the_line_above_the_footer_is_as_wide_as_the_cards(visit: Visit, look: Look) -> None:
    page = visit("/apps", **look)

    boxes = [page.locator(each).bounding_box() for each in (".card", ".site-end")]

    ends = [(box["x"], box["width"]) for box in boxes if box]
    assert len(ends) == 2
    assert ends[0] == ends[1]


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
    page = dashboard.stranger(**PHONE_DARK)
    page.goto(f"{dashboard.url}/audit?q=x")
    page.get_by_role("link", name="GitHub").click()
    page.get_by_role("button", name="mona").click()

    expect(page).to_have_url(f"{dashboard.url}/audit?q=x")
    page.get_by_role("button", name="Log out").click()
    page.goto(f"{dashboard.url}/instances")
    assert "/login" in page.url
    page.context.close()

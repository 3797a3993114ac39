"""How people look at a page, and whether each of them can: axe, and nothing that sticks out."""

from typing import TypedDict

import pytest
from playwright.sync_api import Page

from demo.runner import CHECKOUT


class Look(TypedDict):
    """The browser of a visitor; the tests of what people do are spread over all four."""

    width: int
    scheme: str


PHONE_LIGHT = Look(width=390, scheme="light")
PHONE_DARK = Look(width=390, scheme="dark")
DESK_LIGHT = Look(width=1280, scheme="light")
DESK_DARK = Look(width=1280, scheme="dark")

_AXE = CHECKOUT / "build" / "axe" / "node_modules" / "axe-core" / "axe.min.js"
_GRAVE = {"serious", "critical"}
# What is in order, and where each thing is, takes longer to tell than all else.
_BRIEFLY = "resultTypes: ['violations'], selectors: false"
# Rules whose breach axe calls minor or moderate: nobody asks here for what they find. And colours,
# which have runs of their own.
_ELSEWHERE = """Object.fromEntries(axe._audit.rules
    .filter(rule => ["minor", "moderate"].includes(rule.impact) || rule.id === "color-contrast")
    .map(rule => [rule.id, {enabled: false}]))"""
# Of what comes again and again, the first dozen stands for all: to look at the colours of each
# text takes longer than all the rest, and the API's description has more than a hundred sections.
_ALIKE = "{exclude: [[':is(section, tr, li):nth-of-type(n+13)']]}"
_COLOURS = f"axe.run({_ALIKE}, {{runOnly: ['color-contrast'], {_BRIEFLY}}})"

needs_axe = pytest.mark.skipif(
    not _AXE.exists(), reason="axe is not installed: script/setup needs npm"
)


def faults(page: Page) -> dict[int, object]:
    """What is grave for somebody at either width, light or dark; folded parts are opened."""
    page.evaluate(_AXE.read_text())
    page.evaluate("document.querySelectorAll('details').forEach(each => { each.open = true; })")
    found: dict[int, object] = {}
    for width in (390, 1280):
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme="light")
        grave = _grave(page, f"axe.run({{rules: {_ELSEWHERE}, {_BRIEFLY}}})")
        grave += _grave(page, _COLOURS)
        page.emulate_media(color_scheme="dark")
        grave += _grave(page, _COLOURS)  # all that the scheme changes
        if grave or overhang(page) > 0:
            found[width] = (grave, overhang(page))
    return found


def overhang(page: Page) -> int:
    """By how many pixels the page is wider than the screen."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    return wider


def _grave(page: Page, check: str) -> list[tuple[str, str]]:
    violations = page.evaluate(check)["violations"]
    return [
        (each["id"], each["nodes"][0]["html"]) for each in violations if each["impact"] in _GRAVE
    ]

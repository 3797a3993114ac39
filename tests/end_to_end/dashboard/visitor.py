"""A service, and people who look at its dashboard in real Chromium."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Page, expect

from demo.github.server import LocalGitHub
from demo.service import Service

# Chromium takes the last list only, so this begins with the whole of Playwright's own.
_DISABLED_FEATURES = (
    "AvoidUnnecessaryBeforeUnloadCheckSync",
    "DestroyProfileOnBrowserClose",
    "HttpsUpgrades",
    "HttpsFirstBalancedModeAutoEnable",
    "LensOverlay",
    "MediaRouter",
    "PaintHolding",
    "ThirdPartyStoragePartitioning",
    "AvoidCorsURLLoaderRestartOnRedirect",
    "OptimizationHints",
    "NetworkTimeServiceQuerying",
    "AimEnabled",
    "PreconnectToSearch",
    # No process waits for a window that may be opened next.
    "SpareRendererForSitePerProcess",
    # Each window starts a process for what drops down from the address bar, which nobody opens
    # here: half of what a window costs.
    "WebUIOmniboxPopup",
    "WebUIOmniboxAimPopup",
)
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    f"--disable-features={','.join(_DISABLED_FEATURES)}",
)
PATIENCE_MS = 40_000
OPERATOR = "mona"
_SCHEMES: Mapping[str, Any] = {"light": "light", "dark": "dark"}

expect.set_options(timeout=PATIENCE_MS)


@dataclass(kw_only=True)
class Dashboard:
    """One service with a GitHub of its own. Its operator is `OPERATOR`."""

    github: LocalGitHub
    service: Service
    browser: Browser
    folder: Path
    window: Page | None = None
    """The operator's, for all tests: one more would cost a second."""

    @property
    def url(self) -> str:
        return self.service.url

    def visit(self, path: str = "/", *, width: int = 1280, scheme: str = "light") -> Page:
        """The operator's window, logged in through GitHub, at a page."""
        page = self.window = self.window or self._log_in(OPERATOR)
        page.set_viewport_size({"width": width, "height": 844})
        page.emulate_media(color_scheme=_SCHEMES[scheme])
        page.goto(self.url + path)
        return page

    def stranger(self, *, width: int = 1280, scheme: str = "light") -> Page:
        """A window of somebody who is not logged in. Close its context when done."""
        context = self.browser.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=_SCHEMES[scheme],
            # What turns while something is under way would be drawn sixty times a second.
            reduced_motion="reduce",
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", _refuse_complaints)
        return context.new_page()

    def _log_in(self, login: str) -> Page:
        page = self.stranger()
        page.goto(f"{self.url}/login")
        page.get_by_role("link", name="GitHub").click()
        page.get_by_role("button", name=login).click()
        expect(page.locator(".who")).to_contain_text(login)
        return page


class Complaint(AssertionError):
    """The browser's console says that something is wrong, such as a breach of the policy."""


def _refuse_complaints(message: ConsoleMessage) -> None:
    # A page that answers 404 or 409 is no fault of its scripts.
    if message.type == "error" and "Failed to load resource" not in message.text:
        raise Complaint(message.text)


def state_of(page: Page, text: str) -> None:
    """Wait until the page, which follows by itself, says so of the instance."""
    expect(page.locator("#status .state")).to_contain_text(text)


def row(page: Page, name: str) -> Any:
    """The row of a database."""
    return page.locator("table.databases tbody tr").filter(has_text=name)

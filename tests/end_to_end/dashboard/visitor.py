"""A service, and people who look at its dashboard in real Chromium."""

import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Page, expect

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

expect.set_options(timeout=PATIENCE_MS)


@dataclass(kw_only=True)
class Dashboard:
    """One service with a GitHub of its own. Its operator is `OPERATOR`."""

    github: LocalGitHub
    service: Service
    browser: Browser
    folder: Path
    sessions: dict[str, Any] = field(default_factory=dict)
    """Who logged in before, with the cookies."""

    @property
    def url(self) -> str:
        return self.service.url

    def visit(
        self, path: str = "/", *, login: str = OPERATOR, width: int = 1280, scheme: str = "light"
    ) -> Page:
        """Open a page, logged in through GitHub. Close its context when done."""
        if login not in self.sessions:
            self.sessions[login] = self._log_in(login)
        page = self._context(self.sessions[login], width=width, scheme=scheme).new_page()
        page.goto(self.url + path)
        return page

    def stranger(self, *, width: int = 1280, scheme: str = "light") -> Page:
        """A page of somebody who is not logged in."""
        return self._context(None, width=width, scheme=scheme).new_page()

    def _context(self, state: Any, *, width: int, scheme: str) -> BrowserContext:
        themes: Mapping[str, Any] = {"light": "light", "dark": "dark"}
        context = self.browser.new_context(
            viewport={"width": width, "height": 844},
            color_scheme=themes[scheme],
            # What turns while something is under way would be drawn sixty times a second.
            reduced_motion="reduce",
            storage_state=state,
            permissions=["clipboard-read", "clipboard-write"],
        )
        context.set_default_timeout(PATIENCE_MS)
        context.on("console", _refuse_complaints)
        return context

    def _log_in(self, login: str) -> Any:
        page = self.stranger()
        page.goto(f"{self.url}/login")
        page.get_by_role("link", name="GitHub").click()
        page.get_by_role("button", name=login).click()
        expect(page.locator(".who")).to_contain_text(login)
        state = page.context.storage_state()
        page.context.close()
        return state


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

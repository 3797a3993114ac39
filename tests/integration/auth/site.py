"""The service in real gunicorn beside the small GitHub, and people's browsers."""

import html
import re
from collections.abc import Mapping
from typing import Any
from urllib.parse import urljoin

import psycopg
import requests
from psycopg.rows import dict_row

from app.core.people import Operate
from app.operations import access
from app.operations.administration import login_links
from app.operations.services import Services
from app.store.connection import state_conninfo
from demo.github.server import LocalGitHub
from tests.integration.intake.web import Web


class Site:
    """Both, and what the service has stored."""

    def __init__(self, web: Web, github: LocalGitHub, dsn: str) -> None:
        self.web = web
        self.github = github
        self.url = web.url
        self._dsn = dsn

    def browser(self) -> "Browser":
        return Browser(self)

    def rows(self, query: str) -> list[dict[str, Any]]:
        with psycopg.connect(state_conninfo(self._dsn), row_factory=dict_row) as connection:
            return connection.execute(query.encode()).fetchall()

    def audit(self) -> list[tuple[str, str]]:
        found = self.rows("SELECT actor, action FROM audit ORDER BY id")
        return [(row["actor"], row["action"]) for row in found]


class Browser:
    """Keeps cookies, follows redirects only when asked, fills in the forms that it is shown."""

    def __init__(self, site: Site) -> None:
        self.site = site
        self.session = requests.Session()
        self.session.headers["Accept"] = "text/html,application/xhtml+xml"

    def get(self, path: str, *, follow: bool = False) -> requests.Response:
        url = urljoin(self.site.url, path)
        return self.session.get(url, allow_redirects=follow, timeout=30)

    def submit(
        self,
        page: requests.Response,
        *,
        action: str = "",
        values: Mapping[str, str] | None = None,
        follow: bool = False,
    ) -> requests.Response:
        """Send the page's form whose action holds `action`, with its hidden fields."""
        target, hidden = form_of(page.text, action)
        return self.session.post(
            urljoin(page.url, target),
            data={**hidden, **(values or {})},
            headers={"Origin": _origin(page.url)},
            allow_redirects=follow,
            timeout=30,
        )

    def log_in(self, login: str, *, after: str = "/") -> requests.Response:
        """Through GitHub; the answer is that of the callback."""
        begun = self.get(f"/login/github?next={after}")
        asked = self.get(begun.headers["Location"])
        agreed = self.submit(asked, values={"as": login})
        return self.get(agreed.headers["Location"])

    def use_link(self, link: str) -> requests.Response:
        return self.submit(self.get(link), action="/login/link")

    def who(self) -> str | None:
        """Who is logged in, as the frame of a page shows it."""
        found = re.search(r'class="who">\s*<span>([^<]*)', self.get("/login-is-nowhere").text)
        return html.unescape(found[1]).strip() if found else None


def link_of(services: Services) -> str:
    """What `login-link` makes on the machine of the service."""
    return login_links.make(access.service(services, Operate))


def form_of(text: str, action: str = "") -> tuple[str, dict[str, str]]:
    """Where a POST form of a page goes, and its hidden fields."""
    for found in re.finditer(r'<form method="post" action="([^"]*)".*?</form>', text, re.DOTALL):
        if action in found[1] and (action or found[1] != "/logout"):
            fields = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', found[0])
            return html.unescape(found[1]), {name: html.unescape(value) for name, value in fields}
    raise AssertionError(f"no form {action!r} in:\n{text}")


def _origin(url: str) -> str:
    return "/".join(url.split("/")[:3])

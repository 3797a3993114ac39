"""The demonstration that is kept: newcomers try there whatever it says, until Ctrl-C."""

import re
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from html import unescape
from os import defpath
from pathlib import Path
from urllib.parse import urljoin, urlsplit

import pytest
import requests

from demo.stage import wait_for
from tests.end_to_end.demonstration import STOPPED, Demonstration


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """What a newcomer reads at its end."""

    said: str

    @property
    def pull_request(self) -> str:
        return self._shown(r"\S+/acme/shop/pull/1")

    @property
    def service(self) -> str:
        return self._shown(r"\S+(?=/login/link)")

    @property
    def commands(self) -> list[str]:
        """The paragraph below "In a second terminal", as a person copies it."""
        _, _, shown = self.said.partition("In a second terminal:\n\n")
        return shown.partition("\n\n")[0].splitlines()

    def _shown(self, pattern: str) -> str:
        found = re.search(pattern, self.said)
        assert found
        return found[0]


@pytest.fixture(scope="module")
def kept() -> Iterator[Kept]:
    """One for all tests; Ctrl-C must end it quietly, and nothing may be left of it."""
    # Not pytest's own folder: PostgreSQL's account, which root has for it, may not pass through.
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o711)
        demonstration = Demonstration(folder, "--keep")
        try:
            yield Kept(said=demonstration.read_until("Ctrl-C here ends it"))
            demonstration.press_ctrl_c()
            assert demonstration.process.wait() == 130
            assert demonstration.output.read() == f"\n{STOPPED}"
            assert demonstration.left() == []
            assert list(folder.iterdir()) == []
        finally:
            demonstration.end()


class Visitor:
    """Somebody with a browser that keeps cookies."""

    def __init__(self) -> None:
        self._session = requests.Session()
        self._session.headers["Accept"] = "text/html"

    def get(self, url: str) -> requests.Response:
        return self._session.get(url, timeout=30)

    def read(self, url: str, *, until: str) -> str:
        """What a page says once it says this."""

        def look() -> str | None:
            text = self.get(url).text
            return text if until in text else None

        return wait_for(look, what=f"{until!r} on {url}")

    def send(self, page: requests.Response, button: str, **fields: str) -> requests.Response:
        """Send the form with that button, as it stands on the page."""
        forms = re.findall(r"<form[^>]* action=\"([^\"]+)\"[^>]*>(.*?)</form>", page.text, re.S)
        [action] = [target for target, inside in forms if f">{button}</button>" in inside]
        place = urlsplit(page.url)
        return self._session.post(
            urljoin(page.url, unescape(action)),
            data=fields,
            headers={"Origin": f"{place.scheme}://{place.netloc}"},
            timeout=30,
        )


@pytest.fixture
def visitor() -> Visitor:
    return Visitor()


def test_a_second_terminal_works_as_it_says(kept: Kept, visitor: Visitor) -> None:
    listed = type_into_a_shell(*kept.commands)

    branch = kept.pull_request.replace("pull/1", "tree/my-branch")
    visitor.read(branch, until="the migration command succeeded")
    assert "feature/reviews" in listed
    assert "-production\n" in listed


def test_every_link_from_the_apps_page_leads_to_a_page(kept: Kept, visitor: Visitor) -> None:
    sign_in = visitor.get(f"{kept.service}/login/github")
    visitor.send(sign_in, "Authorize as mona", **{"as": "mona"})
    [app] = set(re.findall(r'href="(/apps/[0-9a-f]{6})"', visitor.get(f"{kept.service}/apps").text))
    found = links_of(visitor.get(kept.service + app))

    answers = {url: visitor.get(url) for url in found}
    # From the pages of the local GitHub, all of theirs.
    github = kept.pull_request.partition("/acme")[0]
    while further := {
        url
        for answer in answers.values()
        if answer.url.startswith(github)
        for url in links_of(answer)
        if url not in answers and url.startswith((github, kept.service))
    }:
        answers |= {url: visitor.get(url) for url in further}

    assert len([url for url in answers if url.startswith(github)]) > 20
    assert {
        url: answer.status_code
        for url, answer in answers.items()
        if not answer.ok or not answer.headers["Content-Type"].startswith("text/html")
    } == {}


def test_a_comment_on_the_pull_request_is_obeyed(kept: Kept, visitor: Visitor) -> None:
    page = visitor.get(kept.pull_request)

    visitor.send(page, "Comment", body="/db help", **{"as": "wendy"})

    answered = visitor.read(kept.pull_request, until="<td><code>/db reset</code></td>")
    assert "eyes, by coppice[bot]" in answered


def links_of(page: requests.Response) -> set[str]:
    """The pages that a page links to."""
    _, _, main = page.text.partition("<main")
    found = re.findall(r'<a [^>]*href="([^"#]+)', main)
    return {urljoin(page.url, unescape(target)) for target in found}


def type_into_a_shell(*lines: str) -> str:
    """What these lines print, one after the other, in a new terminal; each must succeed."""
    finished = subprocess.run(
        ["sh", "-e"],
        cwd="/",
        env={"PATH": defpath, "HOME": "/nonexistent"},
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout

"""The small GitHub's pages: what people see, and what their forms do."""

import json
import re
from html import unescape
from urllib.parse import quote, urlencode

import pytest
import requests

from app.core.checks import CheckAction, CheckContent, Conclusion
from app.core.identifiers import CheckId, CommitSha
from app.core.repositories import Repository as Known
from app.github.adapter import RestGitHub
from demo.github.model import CheckRun, Installation, PullRequest, Repository
from demo.github.objects import actions, comments, pull_requests, repositories
from demo.github.server import LocalGitHub
from tests.integration.github.receiver import Receiver

HOSTILE = 'x/"><img/src=x/onerror=alert(1)>#%2e'
FIX = CheckAction(label="Fix", description="Try again", identifier="fix")
FORMS = {
    "comment": ("/pull/1/comments", {"body": "/db reset"}),
    "close": ("/pull/1/state", {}),
    "open": ("/pulls", {"branch": "other"}),
    "delete": ("/branches/delete", {"branch": "other"}),
    "start": ("/actions/runs", {"branch": "other"}),
    "file": (f"/create/{quote(HOSTILE)}", {"filename": "docs/new.md", "value": "New\r\n"}),
    "rerun": ("/actions/runs/{run}", {}),
    "fix": ("/runs/{check}", {"action": "fix"}),
    "re-run": ("/runs/{check}", {}),
}
TELLS = {
    "comment": ("issue_comment", "created"),
    "close": ("pull_request", "closed"),
    "open": ("pull_request", "opened"),
    "delete": ("delete", None),
    "start": ("workflow_run", "requested"),
    "file": ("push", None),
    "rerun": ("workflow_run", "requested"),
    "fix": ("check_run", "requested_action"),
    "re-run": ("check_run", "rerequested"),
}


class Site:
    """A repository with a pull request, a check that failed, a workflow run, and three people."""

    def __init__(self, github: LocalGitHub, shop: Repository) -> None:
        self.github = github
        self.shop = shop
        for login, role in {"ada": "admin", "wim": "write", "rob": "read"}.items():
            github.grant(shop, login, role)
        files = {".github/workflows/build.yml": "on: push"}
        github.push(shop, "other", files=files)
        self.head = github.push(shop, HOSTILE, files=files)
        self.pull: PullRequest = github.open_pull_request(shop, HOSTILE)
        self.run = github.start_run(shop, branch=HOSTILE)
        github.complete_run(self.run)
        self.check: CheckRun | None = None

    def get(self, path: str) -> requests.Response:
        headers = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
        return requests.get(self.github.url + path, headers=headers, timeout=10)

    def send(
        self, form: str, *, login: str = "wim", origin: str | None = None, site: str = "same-origin"
    ) -> requests.Response:
        """Send a form as a browser does; `origin` is that of the page with the form."""
        path, fields = FORMS[form]
        path = path.format(run=self.run.id, check=self.check.id if self.check else 0)
        return requests.post(
            f"{self.github.url}/acme/shop{path}",
            data={"as": login, **fields},
            headers={
                "Accept": "text/html",
                "Origin": origin or self.github.url,
                "Sec-Fetch-Site": site,
            },
            allow_redirects=False,
            timeout=10,
        )


@pytest.fixture
def site(
    github: LocalGitHub,
    shop: Repository,
    adapter: RestGitHub,
    known: Known,
) -> Site:
    site = Site(github, shop)
    content = CheckContent(
        name="database",
        conclusion=Conclusion.FAILURE,
        title="Not made",
        summary="No **room** <b>here</b>.",
        actions=(FIX,),
    )
    head = CommitSha(site.head)
    adapter.publish_check(known, head, content, check_id=CheckId(41), github_id=None)
    [site.check] = github.check_runs(shop)
    return site


def test_every_address_that_answers_and_events_carry_leads_to_a_page(site: Site) -> None:
    context, shop = site.github.context, site.shop
    said = site.github.comment(site.pull, "Hello", user=site.github.user("ada"))
    head = shop.git.show(site.head)
    assert site.check
    addresses = [
        repositories.repository(shop, context.url)["html_url"],
        repositories.branch(shop, name=HOSTILE, head=head, url=context.url)["_links"]["html"],
        repositories.commit(shop, head, url=context.url)["html_url"],
        pull_requests.pull_request(site.pull, context.url)["html_url"],
        comments.comment(said, context.identity)["html_url"],
        actions.workflow_run(site.run, context.url)["html_url"],
        actions.job(site.run.jobs[0], site.run, context.url)["html_url"],
        actions.check_run(site.check, context.identity)["html_url"],
        f"{context.url}/acme",
        f"{context.url}/apps/{context.identity.slug}",
        f"{context.url}/acme/shop/actions",
        f"{context.url}/",
    ]

    answers = {url: site.get(url.removeprefix(context.url)) for url in addresses}

    assert {url: answer.status_code for url, answer in answers.items() if not answer.ok} == {}
    for answer in answers.values():
        assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
        assert "a small local GitHub, for this demonstration" in answer.text


def test_what_is_not_there_is_a_page_that_says_so(site: Site) -> None:
    paths = ["/nobody", "/acme/other", "/apps/other", "/acme/shop/wiki/x"]
    paths += [f"/acme/shop/{each}/9" for each in ("pull", "runs", "actions/runs", "tree", "commit")]

    answers = {path: site.get(path) for path in paths}

    assert {answer.status_code for answer in answers.values()} == {404}
    for answer in answers.values():
        assert "This is not the web page you are looking for." in answer.text


def test_programs_never_get_a_page(github: LocalGitHub, site: Site) -> None:
    answers = [
        requests.get(f"{github.url}/acme/shop{path}", headers={"Accept": kind}, timeout=10)
        for path in ("", "/pull/1")
        for kind in ("*/*", "application/vnd.github+json")
    ]

    assert {answer.headers["Content-Type"] for answer in answers} == {"application/json"}
    assert not any(answer.ok for answer in answers)
    github.violations.clear()  # they were meant


def test_names_and_texts_of_others_stay_text(site: Site) -> None:
    text = "<script>alert(1)</script> [x](javascript:alert(1)) ![y](http://evil.example/y.png)"
    site.github.comment(site.pull, text, user=site.github.user("rob"))

    pages = [
        site.get(f"/acme/shop{path}").text
        for path in ("", "/pull/1", f"/tree/{quote(HOSTILE)}", "/actions")
    ]

    assert not re.findall(r"<(?:img|b|script(?! src=))[/ >]", "".join(pages))
    assert 'href="javascript:' not in pages[1]
    assert all(HOSTILE in unescape(page) for page in pages)


def test_a_comment_is_shown_as_github_renders_it(site: Site) -> None:
    text = "<!-- coppice: marker -->\n**Databases**\n\n| name | state |\n|---|---|\n| `a` | ready |"
    site.github.comment(site.pull, text, user=site.github.user("ada"))

    page = site.get("/acme/shop/pull/1").text

    assert "<strong>Databases</strong>" in page
    assert re.search(r"<td><code>a</code></td>\s*<td>ready</td>", page)
    assert "marker" not in page


@pytest.mark.parametrize("form", FORMS)
def test_a_form_sends_githubs_event_as_of_whom_was_chosen(
    github: LocalGitHub, site: Site, receiver: Receiver, form: str
) -> None:
    answer = site.send(form)

    github.hook.wait()
    sent = {
        (request.headers["X-GitHub-Event"], json.loads(request.data).get("action")): request
        for request in receiver.received
    }
    event = sent[TELLS[form]]
    assert answer.status_code == 303
    assert site.get(answer.headers["Location"]).ok
    assert event.headers["X-Hub-Signature-256"] == github.hook.signature(event.data)
    if form in ("comment", "open", "delete", "start", "file", "fix", "re-run"):
        assert json.loads(event.data)["sender"]["login"] == "wim"


def test_a_new_file_is_filled_in_by_the_address_and_no_file_is_made_twice(site: Site) -> None:
    text = "on: push\n# <b> & 'x' %2e +\n"
    query = urlencode({"filename": ".github/workflows/b.yml", "value": text})
    branch = quote(HOSTILE)

    shown = site.get(f"/acme/shop/new/{branch}?{query}")
    made = site.send("file")
    again = site.send("file")

    assert text in unescape(shown.text)
    assert 'value=".github/workflows/b.yml"' in shown.text
    head = site.shop.git.head(HOSTILE)
    assert head
    assert site.shop.git.files(head, "docs") == ["docs/new.md"]
    assert (made.status_code, again.status_code) == (303, 422)
    assert site.get(f"/acme/shop/new/{branch}?value={'x' * 9000}").status_code == 414
    assert site.get("/acme/shop/new/nowhere").status_code == 404


def test_readers_get_no_more_than_at_github(
    github: LocalGitHub, site: Site, receiver: Receiver
) -> None:
    answers = [site.send(form, login="rob") for form in FORMS if form not in ("comment", "open")]

    github.hook.wait()
    assert {answer.status_code for answer in answers} == {403}
    assert all("rob has read on acme/shop" in answer.text for answer in answers)
    assert receiver.received == []


@pytest.mark.parametrize(
    ("origin", "where"),
    [("http://evil.example", "cross-site"), ("null", "cross-site"), (None, "same-site")],
)
def test_no_other_site_sends_a_form(
    github: LocalGitHub, site: Site, receiver: Receiver, *, origin: str | None, where: str
) -> None:
    answers = {form: site.send(form, origin=origin, site=where) for form in FORMS}

    github.hook.wait()
    assert {answer.status_code for answer in answers.values()} == {403}
    assert receiver.received == []


def test_a_pull_request_goes_with_its_branch(
    github: LocalGitHub, site: Site, receiver: Receiver
) -> None:
    github.delete_branch(site.shop, HOSTILE)

    github.hook.wait()
    assert not site.pull.is_open
    assert "/tree/x" not in site.get("/acme/shop/pull/1").text
    assert receiver.events == ["delete", "push", "pull_request"]


def test_no_second_pull_request_is_opened_for_a_branch(site: Site) -> None:
    site.send("open")

    assert site.send("open").status_code == 422


def test_the_sign_in_page_says_who_may_what(site: Site, installation: Installation) -> None:
    query = f"client_id={site.github.client_id}"

    page = site.get(f"/login/oauth/authorize?{query}").text

    assert re.search(r"Authorize as wim</button>\s*<span[^>]*>write on acme/shop<", page)

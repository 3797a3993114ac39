"""The local GitHub's answers against GitHub's own description."""

import time
from typing import Any

import jwt
import pytest
import requests

from demo.github import description
from demo.github.control.actions import RunOptions
from demo.github.model import Installation, Repository
from demo.github.server import LocalGitHub

pytestmark = pytest.mark.skipif(
    description.find() is None, reason="GitHub's description needs npm: see script/setup"
)

# GitHub's description lists the events of an App without merge groups, which exist, and wants an
# installation's account to be a user and an enterprise at once.
KNOWN_GAPS = ("'merge_group' is not one of", "0.account: ")

READS = [
    "/repos/acme/shop",
    "/repos/acme/shop/branches",
    "/repos/acme/shop/branches/topic%2Fone",
    "/repos/acme/shop/pulls",
    "/repos/acme/shop/pulls/1",
    "/repos/acme/shop/compare/main...topic%2Fone",
    "/repos/acme/shop/actions/runs",
    "/repos/acme/shop/actions/runs/{run}",
    "/repos/acme/shop/actions/runs/{run}/jobs",
    "/repos/acme/shop/actions/runs/{run}/attempts/1/jobs",
    "/repos/acme/shop/collaborators/mona/permission",
    "/repos/acme/shop/commits/{sha}/check-runs",
    "/repos/acme/shop/check-runs/{check}",
    "/installation/repositories",
]
READS_OF_THE_APP = [
    "/app",
    "/app/installations",
    "/app/installations/{installation}",
    "/app/hook/config",
    "/app/hook/deliveries",
    "/repos/acme/shop/installation",
]


class Caller:
    """Asks with the App's JWT or an installation's token, and checks what comes back."""

    def __init__(self, github: LocalGitHub, installation: Installation) -> None:
        self._github = github
        self._installation = installation
        found = description.find()
        assert found is not None
        self._description = found

    def ask(self, method: str, target: str, *, token: str, body: Any = None) -> Any:
        """The answer's JSON; fails when the answer is not as GitHub describes it."""
        answer = requests.request(
            method,
            self._github.api_url + target,
            json=body,
            headers={"Authorization": f"Bearer {token}"},
            timeout=10,
        )
        data = answer.json()
        problems = self._description.problems_of_answer(method, target, answer.status_code, data)
        assert answer.ok, data
        assert [each for each in problems if not any(gap in each for gap in KNOWN_GAPS)] == []
        return data

    @property
    def app_token(self) -> str:
        now = int(time.time())
        claims = {"iss": str(self._github.app_id), "iat": now - 60, "exp": now + 300}
        return jwt.encode(claims, self._github.context.app_key, algorithm="RS256")

    @property
    def token(self) -> str:
        path = f"/app/installations/{self._installation.id}/access_tokens"
        token: str = self.ask("POST", path, token=self.app_token)["token"]
        return token


@pytest.fixture
def caller(github: LocalGitHub, installation: Installation) -> Caller:
    return Caller(github, installation)


@pytest.fixture
def names(
    github: LocalGitHub, caller: Caller, shop: Repository, installation: Installation
) -> dict[str, object]:
    """What the paths above refer to."""
    sha = github.push(shop, "topic/one")
    opened = github.open_pull_request(shop, "topic/one")
    run = github.start_run(
        shop,
        event="pull_request",
        pull_request=opened,
        options=RunOptions(environment="production"),
    )
    body = {
        "name": "database",
        "head_sha": sha,
        "output": {"title": "Made", "summary": "It took a second."},
        "actions": [{"label": "Fix", "description": "Again", "identifier": "fix"}],
    }
    path = "/repos/acme/shop/check-runs"
    check = caller.ask("POST", path, token=caller.token, body=body)
    return {"run": run.id, "sha": sha, "check": check["id"], "installation": installation.id}


@pytest.mark.parametrize("target", READS)
def test_what_an_installation_reads_is_as_github_describes_it(
    caller: Caller, names: dict[str, object], target: str
) -> None:
    assert caller.ask("GET", target.format(**names), token=caller.token)


@pytest.mark.parametrize("target", READS_OF_THE_APP)
def test_what_the_app_reads_is_as_github_describes_it(
    github: LocalGitHub, caller: Caller, names: dict[str, object], target: str
) -> None:
    github.webhook_url = "http://127.0.0.1:9/"
    github.ping()
    github.hook.wait()

    assert caller.ask("GET", target.format(**names), token=caller.app_token)


def test_an_update_of_a_check_run_is_answered_as_github_describes_it(
    caller: Caller, names: dict[str, object]
) -> None:
    target = "/repos/acme/shop/check-runs/{check}".format(**names)

    data = caller.ask("PATCH", target, token=caller.token, body={"conclusion": "success"})

    assert data["status"] == "completed"


def test_a_rerun_is_answered_as_github_describes_it(
    github: LocalGitHub, caller: Caller, shop: Repository
) -> None:
    run = github.start_run(shop)
    github.complete_run(run)
    target = f"/repos/acme/shop/actions/runs/{run.id}/rerun"

    caller.ask("POST", target, token=caller.token)

    assert run.attempt == 2


def test_what_github_does_not_describe_is_recorded(
    github: LocalGitHub, caller: Caller, names: dict[str, object]
) -> None:
    described = description.find()
    assert described is not None
    create = "/repos/acme/shop/check-runs"

    for method, target, body in [
        ("GET", "/repos/acme/shop/branch", b""),
        ("GET", "/repos/acme/shop/branches?perpage=1", b""),
        ("GET", "/repos/acme/shop/branches?per_page=many", b""),
        ("GET", "/repos/acme/shop/pulls?state=opened", b""),
        ("POST", create, b"{}"),
        ("POST", create, b"{"),
        ("POST", create, b'{"name": "a", "head_sha": "b", "status": "done"}'),
        ("POST", create, b'{"name": "a", "head_sha": "b", "sha": "b"}'),
        ("POST", create, b""),
    ]:
        assert described.problems_of_request(method, target, body), (method, target, body)
    requests.get(f"{github.api_url}/repos/acme/shop/branch", timeout=10)
    assert len(github.violations) == 1
    github.violations.clear()

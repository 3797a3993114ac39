"""The local GitHub refuses what GitHub refuses."""

import time
from collections.abc import Iterator
from typing import Any

import jwt
import pytest
import requests
from urllib3.util import SKIP_HEADER

from demo.github.model import Installation, Repository
from demo.github.server import LocalGitHub


class Session:
    """Requests with a token of the installation, narrowed or not."""

    def __init__(self, github: LocalGitHub, installation: Installation) -> None:
        self._github = github
        self._installation = installation
        self._http = requests.Session()
        self.token = ""

    def close(self) -> None:
        self._http.close()

    def app_jwt(self, **changes: Any) -> str:
        now = int(time.time())
        claims = {"iss": str(self._github.app_id), "iat": now - 60, "exp": now + 300} | changes
        return jwt.encode(claims, self._github.context.app_key, algorithm="RS256")

    def narrow(self, **body: Any) -> requests.Response:
        """Take a token; later requests use it."""
        path = f"/app/installations/{self._installation.id}/access_tokens"
        answer = self.send("POST", path, json=body, token=self.app_jwt())
        self.token = answer.json().get("token", "")
        return answer

    def send(
        self, method: str, path: str, *, token: str | None = None, **options: Any
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {token or self.token}"} | options.pop("headers", {})
        return self._http.request(
            method,
            self._github.api_url + path,
            headers=headers,
            timeout=10,
            allow_redirects=False,
            **options,
        )


@pytest.fixture
def session(github: LocalGitHub, installation: Installation) -> Iterator[Session]:
    session = Session(github, installation)
    session.narrow()
    yield session
    session.close()
    # What is asked here is wrong on purpose.
    github.violations.clear()


def test_a_jwt_of_the_app_must_be_its_own_fresh_and_short(session: Session) -> None:
    now = int(time.time())
    wrong = [
        session.app_jwt(iss="1"),
        session.app_jwt(exp=now - 1),
        session.app_jwt(exp=now + 660),
        session.app_jwt(iat=now + 120),
        session.app_jwt()[:-4] + "AAAA",
        jwt.encode({"iss": "1"}, "x" * 32, algorithm="HS256"),
        "",
    ]

    assert session.send("GET", "/app", token=session.app_jwt()).status_code == 200
    for value in wrong:
        answer = session.send("GET", "/app", headers={"Authorization": f"Bearer {value}"})
        assert answer.status_code == 401, value


def test_a_token_for_one_repository_sees_no_other_private_one(
    github: LocalGitHub, session: Session, shop: Repository
) -> None:
    other = github.create_repository("acme/other")

    session.narrow(repository_ids=[other.id])

    assert session.send("GET", "/repos/acme/other").status_code == 200
    assert session.send("GET", "/repos/acme/shop").status_code == 404
    assert session.send("GET", "/repos/acme/shop/branches").status_code == 404


def test_a_token_for_a_repository_out_of_sight_is_not_made(
    github: LocalGitHub, session: Session
) -> None:
    foreign = github.create_repository("other/shop")

    assert session.narrow(repository_ids=[foreign.id]).status_code == 422


def test_a_public_repository_of_others_can_be_read_and_not_written(
    github: LocalGitHub, session: Session
) -> None:
    foreign = github.create_repository("other/shop", private=False)
    body = {"name": "database", "head_sha": github.branch_head(foreign, "main")}

    assert session.send("GET", "/repos/other/shop/branches").status_code == 200
    answer = session.send("POST", "/repos/other/shop/check-runs", json=body)
    assert answer.status_code == 403


def test_a_token_may_do_only_what_it_was_made_for(
    github: LocalGitHub, session: Session, shop: Repository
) -> None:
    session.narrow(permissions={"metadata": "read", "checks": "read"})
    body = {"name": "database", "head_sha": github.branch_head(shop, "main")}

    assert session.send("GET", "/repos/acme/shop").status_code == 200
    assert session.send("GET", "/repos/acme/shop/branches").status_code == 403
    assert session.send("POST", "/repos/acme/shop/check-runs", json=body).status_code == 403


def test_more_than_the_installation_grants_is_not_given(session: Session) -> None:
    assert session.narrow(permissions={"contents": "write"}).status_code == 422


def test_a_suspended_or_removed_installations_token_is_worth_nothing(
    github: LocalGitHub, session: Session, installation: Installation
) -> None:
    github.suspend(installation)
    suspended = session.send("GET", "/repos/acme/shop").status_code
    github.unsuspend(installation)
    resumed = session.send("GET", "/repos/acme/shop").status_code
    github.uninstall(installation)
    removed = session.send("GET", "/repos/acme/shop").status_code

    assert (suspended, resumed, removed) == (403, 200, 401)
    assert session.narrow().status_code == 404


def test_an_archived_repository_takes_no_check_run(
    github: LocalGitHub, session: Session, shop: Repository
) -> None:
    github.archive(shop)
    body = {"name": "database", "head_sha": github.branch_head(shop, "main")}

    assert session.send("POST", "/repos/acme/shop/check-runs", json=body).status_code == 403


def test_a_request_without_a_user_agent_is_refused(session: Session) -> None:
    answer = session.send("GET", "/repos/acme/shop", headers={"User-Agent": SKIP_HEADER})

    assert answer.status_code == 403


def test_a_former_name_redirects_until_another_repository_takes_it(
    github: LocalGitHub, session: Session, shop: Repository
) -> None:
    github.rename(shop, "store")
    moved = session.send("GET", "/repos/acme/shop/branches?per_page=1")
    github.create_repository("acme/shop")
    taken = session.send("GET", "/repos/acme/shop")

    assert moved.status_code == 301
    assert moved.headers["Location"].endswith(f"/repositories/{shop.id}/branches?per_page=1")
    assert taken.json()["id"] != shop.id


OUTPUT = {"title": "t", "summary": "s"}
ACTION = {"label": "Fix", "description": "d", "identifier": "fix"}


@pytest.mark.parametrize(
    "change",
    [
        {"name": ""},
        {"head_sha": "a" * 40},
        {"head_sha": "main"},
        {"status": "done"},
        {"status": "completed"},
        {"conclusion": "great"},
        {"conclusion": "stale"},
        {"started_at": "yesterday"},
        {"output": {"title": "t"}},
        {"output": {"summary": "s"}},
        {"output": {**OUTPUT, "summary": "s" * 65_536}},
        {"output": {**OUTPUT, "text": "s" * 65_536}},
        {"output": {**OUTPUT, "annotations": [{}] * 51}},
        {"actions": [{**ACTION, "label": "L" * 21}]},
        {"actions": [{**ACTION, "description": "D" * 41}]},
        {"actions": [{**ACTION, "identifier": "I" * 21}]},
        {"actions": [{"label": "Fix"}]},
        {"actions": [ACTION] * 4},
    ],
    ids=str,
)
def test_a_check_run_beyond_githubs_limits_is_refused(
    *,
    github: LocalGitHub,
    session: Session,
    shop: Repository,
    change: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # Without GitHub's description too, as in a demonstration on a machine without npm.
    monkeypatch.setattr(github.context, "description", None)
    body = {"name": "database", "head_sha": github.branch_head(shop, "main")}

    answer = session.send("POST", "/repos/acme/shop/check-runs", json={**body, **change})

    assert answer.status_code == 422
    assert github.check_runs(shop) == []


def test_pages_hold_a_hundred_at_most_and_thirty_by_default(
    github: LocalGitHub, session: Session, shop: Repository
) -> None:
    github.create_branches(shop, [f"topic-{number:03}" for number in range(119)])
    sizes = {}

    for asked in ("", "?per_page=7", "?per_page=500", "?page=4", "?page=5"):
        answer = session.send("GET", f"/repos/acme/shop/branches{asked}")
        sizes[asked] = (len(answer.json()), "next" in answer.links)

    assert sizes == {
        "": (30, True),
        "?per_page=7": (7, True),
        "?per_page=500": (100, True),
        "?page=4": (30, False),
        "?page=5": (0, False),
    }


def test_comments_take_the_permission_for_pull_requests_or_for_issues(
    github: LocalGitHub, session: Session, shop: Repository
) -> None:
    github.push(shop, "topic")
    opened, issue = github.open_pull_request(shop, "topic"), github.open_issue(shop)

    def statuses(**permissions: str) -> list[int]:
        session.narrow(permissions=permissions)
        return [
            session.send(
                "POST", f"/repos/acme/shop/issues/{number}/comments", json={"body": "Hello."}
            ).status_code
            for number in (opened.number, issue.number)
        ]

    assert statuses(pull_requests="write") == [201, 403]
    assert statuses(pull_requests="read") == [403, 403]
    assert statuses(contents="read") == [403, 403]


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/issues/1/comments", {"body": ""}, 422),
        ("/issues/1/comments", {"body": " \n"}, 422),
        ("/issues/1/comments", {"body": "x" * 65_537}, 422),
        ("/issues/1/comments", {}, 422),
        ("/issues/99/comments", {"body": "Hello."}, 404),
        ("/issues/comments/99/reactions", {"content": "eyes"}, 404),
    ],
)
def test_what_github_takes_for_no_comment_is_refused(
    github: LocalGitHub,
    session: Session,
    shop: Repository,
    monkeypatch: pytest.MonkeyPatch,
    *,
    path: str,
    body: dict[str, str],
    status: int,
) -> None:
    monkeypatch.setattr(github.context, "description", None)
    github.push(shop, "topic")
    opened = github.open_pull_request(shop, "topic")

    answer = session.send("POST", f"/repos/acme/shop{path}", json=body)

    assert answer.status_code == status
    assert github.comments(opened) == []


def test_a_reaction_that_does_not_exist_is_refused(
    github: LocalGitHub, session: Session, shop: Repository, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(github.context, "description", None)
    comment = github.comment(github.open_issue(shop), "Hello.", user=github.user("mona"))
    github.push(shop, "topic")
    below = github.comment(
        github.open_pull_request(shop, "topic"), "Hello.", user=github.user("mona")
    )

    def react(comment_id: int, content: str) -> int:
        path = f"/repos/acme/shop/issues/comments/{comment_id}/reactions"
        return session.send("POST", path, json={"content": content}).status_code

    assert react(below.id, "shrug") == 422
    assert react(below.id, "eyes") == 201
    assert react(below.id, "eyes") == 200
    assert react(comment.id, "eyes") == 403

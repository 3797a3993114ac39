"""The small GitHub where people meet it: Apps from manifests, consent, and their own tokens."""

import base64
import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
import requests

from demo.github import description
from demo.github.server import LocalGitHub

CALLBACK = "https://coppice.example.com/login/callback"
VERIFIER = "v" * 43
CHALLENGE = base64.urlsafe_b64encode(hashlib.sha256(VERIFIER.encode()).digest()).decode()[:43]
MANIFEST: dict[str, Any] = {
    "name": "Coppice coppice.example.com",
    "url": "https://coppice.example.com",
    "hook_attributes": {"url": "https://coppice.example.com/webhooks/github"},
    "redirect_url": "https://coppice.example.com/setup/created",
    "callback_urls": [CALLBACK],
    "public": False,
    "default_permissions": {"checks": "write", "contents": "read"},
    "default_events": ["check_run", "push"],
}


@pytest.fixture(scope="module")
def running() -> Iterator[LocalGitHub]:
    with LocalGitHub() as github:
        yield github


@pytest.fixture
def github(running: LocalGitHub) -> LocalGitHub:
    """With one user; its App may be another after each test."""
    running.reset()
    running.context.identity = replace(running.context.identity, is_public=True)
    running.user("mona")
    running.allow_callback(CALLBACK)
    return running


def authorize(github: LocalGitHub, **changes: str | None) -> requests.Response:
    given = {
        "client_id": github.client_id,
        "redirect_uri": CALLBACK,
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "as": "mona",
        **changes,
    }
    query = urlencode({name: value for name, value in given.items() if value is not None})
    url = f"{github.url}/login/oauth/authorize?{query}"
    return requests.get(url, allow_redirects=False, timeout=10)


def query_of(answer: requests.Response) -> dict[str, str]:
    parts = urlsplit(answer.headers["Location"])
    return {name: values[0] for name, values in parse_qs(parts.query).items()}


def exchange(github: LocalGitHub, code: str, **changes: str | None) -> dict[str, str]:
    given = {
        "client_id": github.client_id,
        "client_secret": github.client_secret,
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
        **changes,
    }
    answer = requests.post(
        f"{github.url}/login/oauth/access_token",
        {name: value for name, value in given.items() if value is not None},
        headers={"Accept": "application/json"},
        timeout=10,
    )
    assert answer.status_code == 200
    found: dict[str, str] = answer.json()
    return found


def log_in(github: LocalGitHub) -> str:
    return exchange(github, query_of(authorize(github))["code"])["access_token"]


def ask(github: LocalGitHub, target: str, token: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {token}"}
    answer = requests.get(github.api_url + target, headers=headers, timeout=10)
    found = description.find()
    if found is not None and answer.ok:
        assert found.problems_of_answer("GET", target, 200, answer.json()) == []
    return answer


def test_a_code_gives_one_token(github: LocalGitHub) -> None:
    sent = query_of(authorize(github))

    first, second = exchange(github, sent["code"]), exchange(github, sent["code"])

    assert sent["state"] == "s"
    assert first["access_token"].startswith("ghu_")
    assert second["error"] == "bad_verification_code"


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": None}, "bad_verification_code"),
        ({"code_verifier": "w" * 43}, "bad_verification_code"),
        ({"code": "0" * 20}, "bad_verification_code"),
        ({"redirect_uri": "https://evil.example"}, "redirect_uri_mismatch"),
        ({"client_secret": "wrong"}, "incorrect_client_credentials"),
        ({"client_id": "Iv23liOther"}, "incorrect_client_credentials"),
    ],
)
def test_an_exchange_that_is_not_right_gives_none(
    github: LocalGitHub, changes: dict[str, str | None], error: str
) -> None:
    code = query_of(authorize(github))["code"]

    assert exchange(github, changes.pop("code", code) or "", **changes)["error"] == error


def test_a_code_ends_after_ten_minutes(github: LocalGitHub) -> None:
    code = query_of(authorize(github))["code"]
    kept = github.context.state.codes
    kept[code] = replace(kept[code], made_at=kept[code].made_at - timedelta(minutes=11))

    assert exchange(github, code)["error"] == "bad_verification_code"


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"client_id": "Iv23liOther"}, 404),
        ({"as": "nobody"}, 404),
        ({"code_challenge_method": "plain"}, 400),
        ({"code_challenge_method": None}, 400),
        ({"code_challenge": None}, 400),
    ],
)
def test_what_github_does_not_know_is_not_asked(
    github: LocalGitHub, changes: dict[str, str | None], status: int
) -> None:
    assert authorize(github, **changes).status_code == status


def test_another_callback_gets_no_code(github: LocalGitHub) -> None:
    answer = authorize(github, redirect_uri="https://evil.example/")

    assert answer.headers["Location"].startswith(CALLBACK)
    assert query_of(answer)["error"] == "redirect_uri_mismatch"


def test_a_private_app_is_for_members_of_its_owner(github: LocalGitHub) -> None:
    acme = github.organization("acme")
    github.context.identity = replace(github.context.identity, owner=acme, is_public=False)
    assert authorize(github).status_code == 404

    github.join(github.user("mona"), acme)

    assert "code" in query_of(authorize(github))


def test_a_person_s_token_shows_the_person(github: LocalGitHub) -> None:
    token = log_in(github)

    assert ask(github, "/user", token).json()["login"] == "mona"
    assert ask(github, "/user", "ghu_wrong").status_code == 401


@pytest.mark.parametrize(
    ("permissions", "status"),
    [({"members": "read", "metadata": "read"}, 200), ({"metadata": "read"}, 403)],
)
def test_a_team_shows_where_the_app_may_see_members(
    github: LocalGitHub, permissions: dict[str, str], status: int
) -> None:
    github.install("acme", permissions=permissions)
    github.join_team(github.user("mona"), "acme/admins")

    answer = ask(github, "/orgs/acme/teams/admins/memberships/mona", log_in(github))

    assert answer.status_code == status


def confirm(github: LocalGitHub, **changes: Any) -> requests.Response:
    manifest = {name: v for name, v in {**MANIFEST, **changes}.items() if v is not None}
    data = {"manifest": json.dumps(manifest)}
    return requests.post(f"{github.url}/settings/apps/new?state=s", data, timeout=10)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"name": "x" * 35}, "too long"),
        ({"url": None}, "is no URL"),
        ({"hook_attributes": {}}, "is no URL"),
        ({"default_events": ["issue_comment"]}, "not supported by permissions: issue_comment"),
        ({"default_permissions": {"contents": "admin"}}, "no access to contents"),
        ({"permissions": {}}, "is not a field"),
    ],
)
def test_a_manifest_that_github_would_not_take(
    github: LocalGitHub, changes: dict[str, Any], problem: str
) -> None:
    assert problem in confirm(github, **changes).text


def test_an_app_s_secrets_are_told_once_and_as_github_describes_them(
    github: LocalGitHub,
) -> None:
    assert "Create GitHub App for mona" in confirm(github).text
    data = {"manifest": json.dumps(MANIFEST), "name": "Mine", "owner": "mona", "state": "s"}
    made = requests.post(f"{github.url}/_pages/apps", data, allow_redirects=False, timeout=10)
    target = f"/app-manifests/{query_of(made)['code']}/conversions"

    first, second = (requests.post(github.api_url + target, timeout=10) for _ in range(2))

    assert (first.status_code, second.status_code) == (201, 404)
    assert first.json()["pem"] == github.private_key
    found = description.find()
    if found is not None:
        assert found.problems_of_answer("POST", target, 201, first.json()) == []

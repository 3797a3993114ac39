"""The local issuer of Actions' OIDC tokens, and the runner's endpoint that hands them out."""

from typing import Any

import jwt
import pytest
import requests

from app.core.errors import Unauthorized
from app.github.oidc import OidcVerifier
from demo.github.control.actions import RunOptions
from demo.github.model import Repository, WorkflowRun
from demo.github.server import LocalGitHub

SERVICE = "https://coppice.example.com"


def ask(github: LocalGitHub, run: WorkflowRun, key: str, *, bearer: str = "") -> requests.Response:
    """What the runner of a job sends for a token."""
    environment = github.runner_environment(run, key)
    bearer = bearer or environment["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]
    return requests.get(
        f"{environment['ACTIONS_ID_TOKEN_REQUEST_URL']}&audience={SERVICE}",
        headers={"Authorization": f"Bearer {bearer}"},
        timeout=10,
    )


def test_a_job_gets_a_token_that_the_service_believes(
    github: LocalGitHub, shop: Repository
) -> None:
    run = github.start_run(shop, options=RunOptions(environment="production"))

    token = ask(github, run, "migrate").json()["value"]

    claims = OidcVerifier(github.oidc_issuer, SERVICE).verify(token)
    assert (claims.repository_id, claims.owner_id) == (shop.id, shop.owner.id)
    assert (claims.run_id, claims.run_attempt) == (run.id, 1)
    assert (claims.event_name, claims.ref, claims.ref_type) == ("push", "refs/heads/main", "branch")
    assert (claims.sha, claims.environment) == (run.head_sha, "production")
    assert claims.job_id == github.job(run).id


def test_a_pull_requests_token_has_the_test_merge_and_the_heads_name(
    github: LocalGitHub, shop: Repository
) -> None:
    github.push(shop, "topic")
    opened = github.open_pull_request(shop, "topic")
    run = github.start_run(shop, event="pull_request", pull_request=opened)

    token = github.token_for(run, audience=SERVICE)

    claims = OidcVerifier(github.oidc_issuer, SERVICE).verify(token)
    assert (claims.ref, claims.head_ref) == (f"refs/pull/{opened.number}/merge", "topic")
    assert claims.sha != run.head_sha
    assert shop.git.show(claims.sha).parents[0] == run.head_sha


def test_only_the_jobs_own_request_token_is_good_and_only_while_it_runs(
    github: LocalGitHub, shop: Repository
) -> None:
    run = github.start_run(shop, options=RunOptions(jobs=("build", "migrate")))
    others = github.runner_environment(run, "build")["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]

    assert ask(github, run, "migrate").status_code == 200
    assert ask(github, run, "migrate", bearer=others).status_code == 401
    github.complete_run(run)
    assert ask(github, run, "migrate").status_code == 403


def test_claims_can_be_forged_for_tests_and_left_out(github: LocalGitHub, shop: Repository) -> None:
    run = github.start_run(shop)

    token = github.token_for(run, audience=SERVICE, actor="dependabot[bot]", head_ref=None)

    claims: dict[str, Any] = jwt.decode(token, options={"verify_signature": False})
    assert claims["actor"] == "dependabot[bot]"
    assert "head_ref" not in claims


def test_a_forgotten_key_is_believed_no_more(github: LocalGitHub, shop: Repository) -> None:
    token = github.token_for(github.start_run(shop), audience=SERVICE)
    github.context.issuer.rotate(forget_old=True)

    with pytest.raises(Exception, match=r".") as caught:
        OidcVerifier(github.oidc_issuer, SERVICE).verify(token)

    assert isinstance(caught.value, Unauthorized) or "key" in str(caught.value)

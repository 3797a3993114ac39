"""Builders: a job that may have everything, to be spoiled one fact at a time.

The repository is 42 of owner 7, its default branch is `main`.
"""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.core.assignments import Policies
from app.core.claims import Claims
from app.core.databases import DatabaseState
from app.core.facts import Facts
from app.core.identifiers import (
    BranchName,
    CommitSha,
    InstallationId,
    OwnerId,
    PullRequestNumber,
    RepositoryId,
    WorkflowJobId,
    WorkflowRunId,
)
from app.core.repositories import InstallationState, PullRequest, Repository, WorkflowRun

HEAD = CommitSha("a" * 40)
TEST_MERGE = CommitSha("b" * 40)
OWN_WORKFLOW = "octo/shop/.github/workflows/ci.yml"

REPOSITORY = Repository(
    id=RepositoryId(42),
    owner_id=OwnerId(7),
    full_name="octo/shop",
    default_branch=BranchName("main"),
    is_private=True,
    is_archived=False,
    installation_id=InstallationId(1),
    installation_state=InstallationState.ACTIVE,
)


def claims_of(event: str = "push", ref: str = "refs/heads/main", **changes: Any) -> Claims:
    """A job's claims; anything else as GitHub fills it in for this event and ref."""
    is_test_merge = event == "pull_request"
    claims = Claims(
        repository_id=RepositoryId(42),
        owner_id=OwnerId(7),
        repository="octo/shop",
        event_name=event,
        ref=ref,
        ref_type="tag" if ref.startswith("refs/tags/") else "branch",
        head_ref="feature/x" if is_test_merge else "",
        sha=TEST_MERGE if is_test_merge else HEAD,
        run_id=WorkflowRunId(900),
        run_attempt=1,
        workflow_ref=f"{OWN_WORKFLOW}@{ref}",
        job_workflow_ref=f"{OWN_WORKFLOW}@{ref}",
        environment="",
        runner_environment="github-hosted",
        actor="ada",
        token_id="0123",
        job_id=WorkflowJobId(5000),
        expires_at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    return replace(claims, **changes)


def run_of(claims: Claims, **changes: Any) -> WorkflowRun:
    """The workflow run that a token belongs to."""
    run = WorkflowRun(
        id=claims.run_id,
        attempt=claims.run_attempt,
        repository_id=RepositoryId(42),
        head_repository_id=RepositoryId(42),
        workflow_id=3,
        event=claims.event_name,
        head_branch=BranchName(claims.head_ref or claims.ref.split("/", 2)[-1]),
        head_sha=HEAD,
        is_completed=False,
        conclusion=None,
        pull_request_numbers=(),
    )
    return replace(run, **changes)


def pull_request_of(claims: Claims, **changes: Any) -> PullRequest:
    """Pull request 5, from a branch of the same repository."""
    pull_request = PullRequest(
        number=PullRequestNumber(5),
        repository_id=RepositoryId(42),
        head_repository_id=RepositoryId(42),
        head_branch=BranchName(claims.head_ref),
        head_sha=HEAD,
        is_open=True,
    )
    return replace(pull_request, **changes)


def facts_of(claims: Claims, **changes: Any) -> Facts:
    """Everything known and in order, the database included."""
    facts = Facts(
        repository=REPOSITORY,
        installation=InstallationState.ACTIVE,
        policies=Policies(),
        live=REPOSITORY,
        run=run_of(claims),
        pull_request=pull_request_of(claims) if claims.event_name == "pull_request" else None,
        database_state=DatabaseState.READY,
    )
    return replace(facts, **changes)

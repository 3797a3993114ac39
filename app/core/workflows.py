"""Workflow runs and their jobs, as GitHub's API tells them."""

from dataclasses import dataclass

from app.core.identifiers import (
    BranchName,
    CommitSha,
    PullRequestNumber,
    RepositoryId,
    WorkflowJobId,
    WorkflowRunId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowRun:
    """A workflow run as GitHub's API tells it."""

    id: WorkflowRunId
    attempt: int
    repository_id: RepositoryId
    head_repository_id: RepositoryId | None
    workflow_id: int
    event: str
    head_branch: BranchName | None
    head_sha: CommitSha
    is_completed: bool
    conclusion: str | None
    pull_request_numbers: tuple[PullRequestNumber, ...]
    """Empty for runs of forks."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowJob:
    """A job of a workflow run."""

    id: WorkflowJobId
    name: str
    is_completed: bool

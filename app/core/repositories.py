"""Repositories with their branches, pull requests and workflow runs, as GitHub tells of them."""

from dataclasses import dataclass
from enum import StrEnum

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


class InstallationState(StrEnum):
    """Whether the App may act on a repository."""

    ACTIVE = "active"
    SUSPENDED = "suspended"
    REMOVED = "removed"
    """Uninstalled, or the repository was taken out of the installation, or deleted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """A repository as last seen; its identity is `id`, names may change."""

    id: RepositoryId
    owner_id: OwnerId
    full_name: str
    default_branch: BranchName
    is_private: bool
    is_archived: bool
    installation_id: InstallationId | None
    installation_state: InstallationState

    @property
    def is_active(self) -> bool:
        """Whether the App may read it and give credentials for it."""
        return self.installation_state is InstallationState.ACTIVE and not self.is_archived


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """A live branch."""

    name: BranchName
    head_sha: CommitSha
    is_protected: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequest:
    """A pull request; `head_repository_id` is None when the fork is gone."""

    number: PullRequestNumber
    repository_id: RepositoryId
    head_repository_id: RepositoryId | None
    head_branch: BranchName
    head_sha: CommitSha
    is_open: bool

    @property
    def is_from_fork(self) -> bool:
        return self.head_repository_id != self.repository_id


class Ancestry(StrEnum):
    """How a head relates to a base commit, in the words of GitHub's compare API."""

    IDENTICAL = "identical"
    AHEAD = "ahead"
    BEHIND = "behind"
    DIVERGED = "diverged"
    UNKNOWN = "unknown"


MOST_CHANGED_FILES = 300
"""As many GitHub tells of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangedFiles:
    """What a head changed since it left its base."""

    paths: tuple[str, ...] = ()
    """From the repository's root, without files that are gone."""
    added: tuple[str, ...] = ()
    """Those of them that the base does not have."""
    removed: tuple[str, ...] = ()
    """Files that are gone."""


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

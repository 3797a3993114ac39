"""What happened at GitHub, in the words that decisions use; one class for each kind."""

from dataclasses import dataclass

from app.core.commands import Verb
from app.core.identifiers import (
    BranchName,
    CheckId,
    CommentId,
    CommitSha,
    InstallationId,
    OwnerId,
    PullRequestNumber,
    RepositoryId,
    WorkflowJobId,
    WorkflowRunId,
)
from app.core.repositories import PullRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryMentioned:
    """The repository as a payload describes it; never trusted beyond `id`."""

    id: RepositoryId
    owner_id: OwnerId
    full_name: str
    default_branch: BranchName


@dataclass(frozen=True, slots=True, kw_only=True)
class OfBranch:
    """About one branch: what is known of that is asked with it."""

    repository: RepositoryMentioned
    branch: BranchName


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchPushed(OfBranch):
    """A branch has a new head, or came into being with one."""

    head_sha: CommitSha


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchCreated(OfBranch):
    """A branch came into being; its push arrives apart, sometimes earlier, sometimes never."""


@dataclass(frozen=True, slots=True, kw_only=True)
class BranchDeleted(OfBranch):
    """A branch is said to be gone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PullRequestChanged:
    """A pull request was opened, reopened, pushed to or closed."""

    repository: RepositoryMentioned
    pull_request: PullRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class MergeGroupRequested:
    """A merge queue waits for the checks of this commit."""

    repository: RepositoryMentioned
    head_sha: CommitSha


@dataclass(frozen=True, slots=True, kw_only=True)
class ButtonPressed:
    """A person pressed a button, or Re-run (`rerun`), on a check run of ours."""

    repository: RepositoryMentioned
    check_id: CheckId
    identifier: str
    sender_id: int
    sender_login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SuiteRerequested:
    """A person asked for all checks of a commit again."""

    repository: RepositoryMentioned
    head_sha: CommitSha
    sender_id: int
    sender_login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandGiven:
    """A person wrote a command below a pull request."""

    repository: RepositoryMentioned
    number: PullRequestNumber
    comment_id: CommentId
    verb: Verb
    sender_id: int
    sender_login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkflowCompleted:
    """A workflow run, or one job of it, has ended."""

    repository: RepositoryMentioned
    workflow_run_id: WorkflowRunId
    workflow_attempt: int
    head_sha: CommitSha
    workflow_job_id: WorkflowJobId | None
    """None: the whole run."""
    is_merge_group: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryChanged:
    """Renamed, transferred, archived, deleted, or another default branch: look again."""

    repository: RepositoryMentioned


@dataclass(frozen=True, slots=True, kw_only=True)
class InstallationChanged:
    """Installed, removed, suspended, or another selection of repositories: look again."""

    installation_id: InstallationId


RepositoryEvent = (
    BranchPushed
    | BranchCreated
    | BranchDeleted
    | PullRequestChanged
    | MergeGroupRequested
    | ButtonPressed
    | SuiteRerequested
    | CommandGiven
    | WorkflowCompleted
    | RepositoryChanged
)
Event = RepositoryEvent | InstallationChanged

"""What operations ask of GitHub."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.core.checks import CheckContent
from app.core.claims import Claims
from app.core.identifiers import (
    BranchName,
    CheckId,
    CheckRunId,
    CommentId,
    CommitSha,
    InstallationId,
    OwnerId,
    PullRequestNumber,
    WorkflowJobId,
    WorkflowRunId,
)
from app.core.repositories import (
    Ancestry,
    Branch,
    ChangedFiles,
    InstallationState,
    PullRequest,
    Repository,
    WorkflowJob,
    WorkflowRun,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDelivery:
    """A webhook delivery that the service never acknowledged."""

    id: int
    guid: str


class GitHub(Protocol):
    """Facts and writes. Raises GitHubUnavailable when GitHub fails or limits; never guesses.

    A repository is addressed by its stored names and installation; answers that carry another
    repository id raise Forbidden. What GitHub refuses for good (a missing permission, a commit
    that is gone) raises another CoppiceError, which is not worth a retry.
    """

    def installation_of(self, owner: str, name: str) -> InstallationId | None:
        """The installation that sees a repository, or None when the App is not installed there."""

    def app_page(self) -> str:
        """Address of the App's own page at GitHub, below which it is installed."""

    def installations(self) -> Sequence[tuple[InstallationId, OwnerId]]:
        """Every installation of the App, suspended ones too."""

    def installation_state(self, installation_id: InstallationId) -> InstallationState:
        """Whether it is active, suspended or removed (GitHub's definite 404)."""

    def installation_repositories(
        self, installation_id: InstallationId
    ) -> Sequence[Repository] | None:
        """Every repository the installation sees, all pages; None when it is gone (404).

        Raises Forbidden, code `installation_suspended`, while it is suspended.
        """

    def repository(self, installation_id: InstallationId, full_name: str) -> Repository | None:
        """The live repository; None only for GitHub's definite 404."""

    def branch(self, repository: Repository, name: BranchName) -> Branch | None:
        """The live branch; None only when GitHub says that this branch does not exist.

        A 404 is confirmed by reading the repository itself with the same token; when that fails
        too, raises GitHubUnavailable.
        """

    def branches(self, repository: Repository) -> Sequence[Branch]:
        """Every branch, all pages. An empty or partial list raises GitHubUnavailable."""

    def protected_branches(self, repository: Repository) -> frozenset[BranchName]:
        """Names of the branches that GitHub protects, by a rule or a ruleset."""

    def compare(self, repository: Repository, *, base: CommitSha, head: CommitSha) -> Ancestry:
        """How `head` relates to `base`; UNKNOWN when GitHub does not know one of them.

        What is known once is not asked again.
        """

    def commits_between(
        self, repository: Repository, *, base: CommitSha, head: CommitSha
    ) -> frozenset[CommitSha] | None:
        """Those that `head` has and `base` lacks.

        None when GitHub does not know one of them, or they are more than it tells at once (250).
        """

    def changed_files(
        self, repository: Repository, *, base: BranchName | CommitSha, head: CommitSha
    ) -> ChangedFiles | None:
        """What `head` changed since it left `base`; None when GitHub does not know one of them.

        The first 300 at most.
        """

    def permission(self, repository: Repository, *, login: str, user_id: int) -> str:
        """`admin`, `maintain`, `write`, `triage`, `read` or `none` (also: not a user, other id)."""

    def open_pull_requests(self, repository: Repository) -> Sequence[PullRequest]:
        """Every open pull request, all pages."""

    def pull_request(self, repository: Repository, number: PullRequestNumber) -> PullRequest | None:
        """The pull request, open or not; None only when GitHub says that there is none."""

    def workflow_run(self, repository: Repository, run_id: WorkflowRunId) -> WorkflowRun | None:
        """The run in its present attempt; None only when GitHub says that there is none."""

    def workflow_runs(self, repository: Repository, head_sha: CommitSha) -> Sequence[WorkflowRun]:
        """Every workflow run on a head commit, all pages."""

    def workflow_jobs(
        self, repository: Repository, run_id: WorkflowRunId, *, attempt: int
    ) -> Sequence[WorkflowJob]:
        """Every job of an attempt, all pages."""

    def rerun_job(self, repository: Repository, job_id: WorkflowJobId) -> None:
        """Start a job again. Raises Conflict with GitHub's reason when it refuses."""

    def rerun_workflow(self, repository: Repository, run_id: WorkflowRunId) -> None:
        """Start a whole workflow run again. Raises Conflict when GitHub refuses."""

    def publish_check(
        self,
        repository: Repository,
        head_sha: CommitSha,
        content: CheckContent,
        *,
        check_id: CheckId,
        github_id: CheckRunId | None,
    ) -> CheckRunId:
        """Create or update a check run; finds one of the same external_id before creating."""

    def publish_comment(
        self,
        repository: Repository,
        number: PullRequestNumber,
        body: str,
        *,
        marker: str,
        comment_id: CommentId | None,
    ) -> CommentId:
        """Edit that comment, or else the App's own that carries the marker, or else make one."""

    def comment(self, repository: Repository, number: PullRequestNumber, body: str) -> CommentId:
        """Make a comment; asking twice makes two."""

    def react(self, repository: Repository, comment_id: CommentId, reaction: str) -> None:
        """Put one of GitHub's reactions (`eyes`, `confused`) below a comment; twice is once."""

    def failed_deliveries(self, *, since: datetime) -> Sequence[FailedDelivery]:
        """Deliveries since then whose last attempt failed."""

    def redeliver(self, delivery_id: int) -> None:
        """Ask GitHub to send a delivery again; does nothing when GitHub has forgotten it."""

    def close(self) -> None:
        """Close idle connections."""


class TokenVerifier(Protocol):
    """Verifies the OIDC token of a job."""

    def verify(self, token: str) -> Claims:
        """Raise Unauthorized for a bad token, TransientError while the keys cannot be read."""

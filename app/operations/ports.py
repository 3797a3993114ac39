"""What operations ask of the outside world; adapters in floor 2 implement it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.core.checks import CheckContent
from app.core.claims import Claims
from app.core.databases import TenantDatabase
from app.core.identifiers import (
    BranchName,
    CheckId,
    CheckRunId,
    CommitSha,
    DatabaseName,
    InstallationId,
    OwnerId,
    PullRequestNumber,
    RoleName,
    WorkflowJobId,
    WorkflowRunId,
)
from app.core.instances import Address
from app.core.repositories import Ancestry, InstallationState, PullRequest, Repository
from app.core.repositories import Branch as Branch
from app.core.workflows import WorkflowJob as WorkflowJob
from app.core.workflows import WorkflowRun as WorkflowRun

# --- PostgreSQL ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing about a server that a person should know; `is_fatal` prevents linking."""

    code: str
    message: str
    advice: str
    is_fatal: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerReport:
    """What a connection test found."""

    version: str
    findings: tuple[Finding, ...]

    @property
    def is_usable(self) -> bool:
        return not any(finding.is_fatal for finding in self.findings)


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseSize:
    """Bytes on disk as PostgreSQL counts them."""

    name: DatabaseName
    size_bytes: int


class DatabaseServer(Protocol):
    """One PostgreSQL server, administered by a role with CREATEDB and CREATEROLE.

    Every method may be repeated, also after a crash halfway. All raise ServerUnreachable when the
    server does not answer, and ProvisioningFailed with a person's words for what repeating will
    not mend.
    """

    def probe(self) -> ServerReport:
        """Say exactly which privilege or setting is missing. Changes nothing that stays."""

    def provision(self, database: TenantDatabase, *, password: str) -> None:
        """Make roles, database, grants and marker, verify each by reading back, then open it.

        Closed to connections until its grants are verified; the login gets its password last, and
        the marker is read over that login before this returns.
        """

    def issue(self, database: TenantDatabase, *, password: str) -> None:
        """Make the long-lived login usable again with `password` and our settings only.

        A tenant can change its own password and role settings; this undoes both. Checks the
        marker over the login. Raises ProvisioningFailed when it is not ours.
        """

    def take_back(self, database: TenantDatabase, *, password: str) -> None:
        """After a job: undo what it may have done to the long-lived login, as `issue` does.

        A job acts as that login, so it can give it another password to come back with. If it did,
        the login's sessions are ended too.
        """

    def check_marker(
        self, database: TenantDatabase, *, role: RoleName, password: str, address: Address
    ) -> None:
        """Raise ProvisioningFailed unless that login at that address reaches this database."""

    def open_job_login(self, database: TenantDatabase, login: "JobLoginRequest") -> None:
        """Make a login role for one job, and check the marker over it."""

    def close_job_login(self, database: TenantDatabase, role: RoleName) -> None:
        """End its sessions, hand its objects to the long-lived login, drop the role.

        Does nothing if the role is gone.
        """

    def seal(self, database: TenantDatabase) -> None:
        """Refuse and end all connections; the data stays."""

    def unseal(self, database: TenantDatabase, *, password: str) -> None:
        """Undo `seal`, verifying grants and marker as `provision` does."""

    def rename(self, database: TenantDatabase, *, new_name: DatabaseName) -> None:
        """Rename a sealed database out of the way."""

    def drop(self, database: TenantDatabase) -> None:
        """Drop the database and its roles, job logins included. Cannot be undone."""

    def sizes(self) -> Sequence[DatabaseSize]:
        """Sizes of the databases this role may measure."""

    def database_names(self, *, prefix: str) -> Sequence[DatabaseName]:
        """Names of the databases on the server that begin with `prefix`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLoginRequest:
    """What a job login is made of."""

    role: RoleName
    password: str
    valid_until: datetime
    statement_timeout_seconds: int


# --- GitHub -------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class FailedDelivery:
    """A webhook delivery that the service never acknowledged."""

    id: int
    guid: str


class Installations(Protocol):
    """Where the App is installed, and what it sees there."""

    def installation_of(self, owner: str, name: str) -> InstallationId | None:
        """The installation that sees a repository, or None when the App is not installed there."""

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


class Repositories(Protocol):
    """Live facts about one repository, as `GitHub` says."""

    def repository(self, installation_id: InstallationId, full_name: str) -> Repository | None:
        """The live repository; None only for GitHub's definite 404."""

    def branch(self, repository: Repository, name: BranchName) -> Branch | None:
        """The live branch; None only when GitHub says that this branch does not exist.

        A 404 is confirmed by reading the repository itself with the same token; when that fails
        too, raises GitHubUnavailable.
        """

    def branches(self, repository: Repository) -> Sequence[Branch]:
        """Every branch, all pages. An empty or partial list raises GitHubUnavailable."""

    def compare(self, repository: Repository, *, base: CommitSha, head: CommitSha) -> Ancestry:
        """How `head` relates to `base`; UNKNOWN when GitHub does not know one of them."""

    def permission(self, repository: Repository, *, login: str, user_id: int) -> str:
        """`admin`, `maintain`, `write`, `triage`, `read` or `none` (also: not a user, other id)."""


class PullRequests(Protocol):
    """Live pull requests of one repository."""

    def open_pull_requests(self, repository: Repository) -> Sequence[PullRequest]:
        """Every open pull request, all pages."""

    def pull_request(self, repository: Repository, number: PullRequestNumber) -> PullRequest | None:
        """The pull request, open or not; None only when GitHub says that there is none."""


class Workflows(Protocol):
    """Workflow runs of one repository: what they are, and starting them again."""

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


class CheckRuns(Protocol):
    """The App's check runs."""

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


class Deliveries(Protocol):
    """Webhook deliveries that GitHub remembers."""

    def failed_deliveries(self, *, since: datetime) -> Sequence[FailedDelivery]:
        """Deliveries since then whose last attempt failed."""

    def redeliver(self, delivery_id: int) -> None:
        """Ask GitHub to send a delivery again; does nothing when GitHub has forgotten it."""


class GitHub(Installations, Repositories, PullRequests, Workflows, CheckRuns, Deliveries, Protocol):
    """Facts and writes. Raises GitHubUnavailable when GitHub fails or limits; never guesses.

    A repository is addressed by its stored names and installation; answers that carry another
    repository id raise Forbidden. What GitHub refuses for good (a missing permission, a commit
    that is gone) raises another CoppiceError, which is not worth a retry.
    """


class TokenVerifier(Protocol):
    """Verifies the OIDC token of a job."""

    def verify(self, token: str) -> Claims:
        """Raise Unauthorized for a bad token, TransientError while the keys cannot be read."""


# --- the queue ----------------------------------------------------------------------------------


class Clock(Protocol):
    """Aware UTC now."""

    def __call__(self) -> datetime: ...

"""What an event asks for, as data; each becomes one job in the transaction that recorded it."""

from dataclasses import dataclass

from app.core.identifiers import (
    BranchName,
    CheckId,
    CommentId,
    CommitSha,
    DatabaseId,
    InstallationId,
    InstanceId,
    JobLoginId,
    PullRequestNumber,
    RepositoryId,
    WorkflowJobId,
    WorkflowRunId,
)
from app.core.machine_intents import DeleteInstance, FlagStrays, OpenLogin


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileBranch:
    """Make the databases of one branch what GitHub's live state says."""

    repository_id: RepositoryId
    branch: BranchName
    head_sha: CommitSha | None = None
    """Gets a `database` check beside the head: the commit of a push, or of a Fix button."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRepository:
    """The same for every branch of a repository, its default branch and its names."""

    repository_id: RepositoryId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileInstallation:
    """Look again at what an installation may see; its repositories are reconciled one by one."""

    installation_id: InstallationId


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsureDatabase:
    """Finish a database that is `creating`, or repair one in `error`."""

    database_id: DatabaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildDatabase:
    """Replace a database by an empty one of the same name, roles and passwords.

    Only if it still is of that generation: a job that runs twice must not empty it twice.
    """

    database_id: DatabaseId
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DropDatabase:
    """Drop a deleted database whose retention time is over."""

    database_id: DatabaseId
    is_by_hand: bool = False
    """A person wants it gone now, production too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreDatabase:
    """A person wants a deleted database back, data and all."""

    database_id: DatabaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class SealDatabase:
    """See that a deleted database lets nobody in, whatever became of who deleted it."""

    database_id: DatabaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureInstance:
    """Look how large an instance's databases are, and how its server does."""

    instance_id: InstanceId
    delay_seconds: int = 0
    """Put off, many of them are one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareInstance:
    """Hold the rows of an instance's databases against what stands on its server."""

    instance_id: InstanceId


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyLimits:
    """Give an instance's databases what its limits allow now."""

    instance_id: InstanceId


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatePassword:
    """Replace the password of a database's long-lived login."""

    database_id: DatabaseId
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPullRequest:
    """See that the head of a pull request gets its `database` check or `skipped` answers."""

    repository_id: RepositoryId
    number: PullRequestNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCommit:
    """Post `skipped` for migrations that nobody will report on this commit.

    `delay_seconds` is how long to give a workflow run to appear.
    """

    repository_id: RepositoryId
    head_sha: CommitSha
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class EndJobLogins:
    """GitHub reported a workflow run (or job) completed: its exported logins end."""

    repository_id: RepositoryId
    workflow_run_id: WorkflowRunId
    workflow_attempt: int
    workflow_job_id: WorkflowJobId | None = None
    """None: every job of the attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EndLogin:
    """End one job login; a job for each, so that none waits for another."""

    database_id: DatabaseId
    login_id: JobLoginId


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRun:
    """A run that holds a database stopped renewing its lease: end it, and let go."""

    database_id: DatabaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class PressButton:
    """A person pressed a button or Re-run on a check run of ours."""

    repository_id: RepositoryId
    check_id: CheckId
    identifier: str
    """`fix`, or `rerun` for GitHub's own Re-run."""
    sender_id: int
    sender_login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand:
    """A person gave a command in a comment; what it says is stored with the comment's id."""

    repository_id: RepositoryId
    number: PullRequestNumber
    comment_id: CommentId


@dataclass(frozen=True, slots=True, kw_only=True)
class PostReply:
    """Answer a command below its pull request, in words that are stored."""

    repository_id: RepositoryId
    number: PullRequestNumber
    comment_id: CommentId
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PostSummary:
    """Bring the one comment about a pull request's databases up to date, if there is news."""

    repository_id: RepositoryId
    number: PullRequestNumber
    delay_seconds: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class PostCheck:
    """Bring GitHub's check run to the content that is wanted."""

    check_id: CheckId
    is_urgent: bool = True
    """False for commits of branches without a pull request: they go last."""
    delay_seconds: int = 0


Intent = (
    ReconcileBranch
    | ReconcileRepository
    | ReconcileInstallation
    | EnsureDatabase
    | RebuildDatabase
    | DropDatabase
    | RestoreDatabase
    | SealDatabase
    | MeasureInstance
    | CompareInstance
    | FlagStrays
    | DeleteInstance
    | OpenLogin
    | ApplyLimits
    | RotatePassword
    | AnswerPullRequest
    | AnswerCommit
    | EndJobLogins
    | EndLogin
    | EndRun
    | PressButton
    | RunCommand
    | PostReply
    | PostSummary
    | PostCheck
)

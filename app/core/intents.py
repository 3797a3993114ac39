"""What an event, a person or the clock asks for: each intent becomes one job of the queue.

A new one needs its class here and a line in the table of `jobs/handlers`.
"""

from dataclasses import dataclass
from typing import ClassVar

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
    RunId,
    WorkflowJobId,
    WorkflowRunId,
)
from app.core.outbox import QUEUES, TextKind
from app.core.queues import DATABASES, GITHUB
from app.core.retries import (
    RETRY,
    RETRY_BEHIND,
    RETRY_ENDING,
    RETRY_FOR_EVER,
    RETRY_HANDED_ON,
    Retry,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Intent:
    """A job before it is queued: its fields are the arguments, as JSON.

    Jobs outlive the version that queued them, and another version may run them: a name or a field
    is never renamed, and a field that is added has a default.
    """

    name: ClassVar[str]
    """What the job is called in the queue."""
    lock_as: ClassVar[str | None] = None
    """Jobs of one lock run one at a time, in order; it names fields of the job."""
    retry: ClassVar[Retry] = RETRY_BEHIND
    is_one: ClassVar[bool] = False
    """One that failed and waits to be tried again does for another: it is asked for often."""

    delay_seconds: int = 0
    """How long it is put off; no argument of the job. Put off, many of the same are one."""

    @property
    def queue(self) -> str:
        return DATABASES

    @property
    def lock(self) -> str | None:
        return self.lock_as and self.lock_as.format(self)

    @property
    def priority(self) -> int:
        """A higher one overtakes waiting jobs, also those of its lock."""
        return 0


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileBranch(Intent):
    """Make the databases of one branch what GitHub's live state says."""

    name = "branches:reconcile"
    lock_as = "branch:{0.repository_id}:{0.branch}"
    repository_id: RepositoryId
    branch: BranchName
    head_sha: CommitSha | None = None
    """Gets a `database` check beside the head: the commit of a push, or of a Fix button."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileRepository(Intent):
    """Reconcile every branch of a repository, its default branch and its names."""

    name = "repositories:reconcile"
    lock_as = "repository:{0.repository_id}"
    repository_id: RepositoryId


@dataclass(frozen=True, slots=True, kw_only=True)
class ReconcileInstallation(Intent):
    """Look again at what an installation may see; its repositories are reconciled one by one."""

    name = "installations:reconcile"
    lock_as = "installation:{0.installation_id}"
    installation_id: InstallationId


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfDatabase(Intent):
    """A job about one database."""

    lock_as = "database:{0.database_id}"
    database_id: DatabaseId


@dataclass(frozen=True, slots=True, kw_only=True)
class EnsureDatabase(_OfDatabase):
    """Finish a database that is `creating`, or repair one in `error`."""

    name = "databases:ensure"


@dataclass(frozen=True, slots=True, kw_only=True)
class RebuildDatabase(_OfDatabase):
    """Replace a database by a new one, empty or a clone, of the same name, roles and passwords.

    Only if it still is of that generation: a job that runs twice must not empty it twice.
    """

    name = "databases:rebuild"
    generation: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DropDatabase(_OfDatabase):
    """Drop a deleted database whose retention time is over."""

    name = "databases:drop"
    is_by_hand: bool = False
    """A person wants it gone now, production too."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RestoreDatabase(_OfDatabase):
    """A person wants a deleted database back, data and all."""

    name = "databases:restore"


@dataclass(frozen=True, slots=True, kw_only=True)
class SealDatabase(_OfDatabase):
    """See that a deleted database lets nobody in, whatever became of who deleted it."""

    name = "databases:seal"
    priority = 5  # somebody was shut out just now, and may still be inside
    retry = RETRY_FOR_EVER


@dataclass(frozen=True, slots=True, kw_only=True)
class FinishTemplate(_OfDatabase):
    """A run is done with a template: seal it, or drop it where that run failed."""

    name = "templates:finish"
    is_one = True


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatePassword(_OfDatabase):
    """Replace the password of a database's long-lived login."""

    name = "databases:rotate_password"
    # It may wait for hours, and must not hold up what mends a database.
    lock_as = "password:{0.database_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLogin(_OfDatabase):
    """Make a login on the machine of its server, for whoever asked for it on another one."""

    name = "logins:open"
    lock_as, priority = (
        "login:{0.database_id}",
        5,
    )  # a job of a workflow asks for it every two seconds
    retry = RETRY_HANDED_ON
    run_id: RunId | None
    """None: the long-lived login, for a person."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ending(_OfDatabase):
    """An end overtakes what waits, for somebody may still be inside, and may take long itself."""

    lock_as, priority = (
        "logins:{0.database_id}",
        5,
    )  # a lock of its own: it holds up nothing else of the database
    is_one = True
    retry = RETRY_ENDING


@dataclass(frozen=True, slots=True, kw_only=True)
class EndLogin(_Ending):
    """End one job login; a job for each, so that none waits for another."""

    name = "logins:end"
    login_id: JobLoginId


@dataclass(frozen=True, slots=True, kw_only=True)
class EndRun(_Ending):
    """A run that holds a database stopped renewing its lease: end it, and let go."""

    name = "runs:end"


@dataclass(frozen=True, slots=True, kw_only=True)
class EndJobLogins(Intent):
    """GitHub reported a workflow run (or job) completed: its exported logins end."""

    name = "job_logins:end"
    lock_as = "workflow_run:{0.workflow_run_id}"
    priority = 5
    repository_id: RepositoryId
    workflow_run_id: WorkflowRunId
    workflow_attempt: int
    workflow_job_id: WorkflowJobId | None = None
    """None: every job of the attempt."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfInstance(Intent):
    """A job about one instance."""

    instance_id: InstanceId


@dataclass(frozen=True, slots=True, kw_only=True)
class ApplyLimits(_OfInstance):
    """Give an instance's databases what its limits allow now."""

    name, lock_as = "instances:limit", "measure:{0.instance_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Look(_OfInstance):
    """A look may wait for a server that is away, and nobody waits for it: so it goes last."""

    priority = -5


@dataclass(frozen=True, slots=True, kw_only=True)
class MeasureInstance(_Look):
    """Look how large an instance's databases are, and how its server does."""

    name, lock_as = "instances:measure", "measure:{0.instance_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class CompareInstance(_Look):
    """Hold the rows of an instance's databases against what stands on its server."""

    name, lock_as = "instances:compare", "compare:{0.instance_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class FlagStrays(_Look):
    """Tell of databases on an instance that nobody here remembers."""

    name, lock_as = "instances:flag_strays", "strays:{0.instance_id}"


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteInstance(_OfInstance):
    """Remove a provisioned instance with all its data, on the machine that it stands on."""

    name, lock_as = "instances:delete", "delete:{0.instance_id}"
    retry = RETRY


@dataclass(frozen=True, slots=True, kw_only=True)
class _ToGitHub(Intent):
    """A job that writes to GitHub."""

    queue = GITHUB
    retry = RETRY


@dataclass(frozen=True, slots=True, kw_only=True)
class _OfPullRequest(_ToGitHub):
    """A job about one pull request."""

    repository_id: RepositoryId
    number: PullRequestNumber


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerPullRequest(_OfPullRequest):
    """See that the head of a pull request gets its `database` check or `skipped` answers."""

    name, lock_as = "pull_requests:answer", "pull:{0.repository_id}:{0.number}"


@dataclass(frozen=True, slots=True, kw_only=True)
class AnswerCommit(_ToGitHub):
    """Post `skipped` for migrations that nobody will report on this commit.

    Its delay is how long to give a workflow run to appear. No lock: a delayed answer must not hold
    back the one that a completed run asks for.
    """

    name = "commits:answer"
    repository_id: RepositoryId
    head_sha: CommitSha


@dataclass(frozen=True, slots=True, kw_only=True)
class PressButton(_ToGitHub):
    """A person pressed a button or Re-run on a check run of ours."""

    name = "buttons:press"
    lock_as = "check:{0.check_id}"
    priority = 5
    repository_id: RepositoryId
    check_id: CheckId
    identifier: str
    """`fix`, or `rerun` for GitHub's own Re-run."""
    sender_id: int
    sender_login: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunCommand(_OfPullRequest):
    """A person gave a command in a comment; what it says is stored with the comment's id."""

    name, lock_as = "commands:run", "command:{0.repository_id}:{0.number}"
    priority = 5
    comment_id: CommentId


@dataclass(frozen=True, slots=True, kw_only=True)
class PostText(Intent):
    """Bring a text at GitHub to what is wanted; the fields say which row of the outbox it is."""

    name = "outbox:post"
    lock_as = "{0.kind}:{0.repository_id}:{0.place}:{0.key}"
    retry = RETRY
    kind: TextKind
    repository_id: RepositoryId
    place: str
    """A commit's SHA, or a pull request's number."""
    key: str = ""
    """A check's name, or the id of the comment that a reply answers."""
    is_last: bool = False
    """It waits behind others where the budget is short: see `Outbox.take_turn`."""

    @property
    def queue(self) -> str:
        return QUEUES[self.kind]

    @property
    def priority(self) -> int:
        return -10 if self.is_last else 5 if self.kind == TextKind.REPLY else 0


def reply_to(
    comment_id: CommentId, repository_id: RepositoryId, number: PullRequestNumber
) -> PostText:
    """Post the answer to the command in a comment."""
    return PostText(
        kind=TextKind.REPLY, repository_id=repository_id, place=str(number), key=str(comment_id)
    )


def summary_of(
    repository_id: RepositoryId, number: PullRequestNumber, *, delay_seconds: int = 0
) -> PostText:
    """Look whether the comment about a pull request's databases has news to tell."""
    return PostText(
        kind=TextKind.SUMMARY,
        repository_id=repository_id,
        place=str(number),
        delay_seconds=delay_seconds,
    )

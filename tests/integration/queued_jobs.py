"""Every kind of job, as the version before queued it; about things that are not there."""

from typing import Any

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
    WorkflowRunId,
)
from app.core.intents import (
    AnswerCommit,
    AnswerPullRequest,
    ApplyLimits,
    CompareInstance,
    DeleteInstance,
    DropDatabase,
    EndJobLogins,
    EndLogin,
    EndRun,
    EnsureDatabase,
    FinishTemplate,
    FlagStrays,
    Intent,
    MeasureInstance,
    OpenLogin,
    PostText,
    PressButton,
    RebuildDatabase,
    ReconcileBranch,
    ReconcileInstallation,
    ReconcileRepository,
    RestoreDatabase,
    RotatePassword,
    RunCommand,
    SealDatabase,
    reply_to,
    summary_of,
)
from app.core.outbox import TextKind
from app.core.queues import COMMENTS, DATABASES, GITHUB

REPOSITORY, NUMBER, COMMENT = RepositoryId(4711), PullRequestNumber(4712), CommentId(4713)
CHECK, DATABASE, INSTANCE = CheckId(4714), DatabaseId(4715), InstanceId(4716)
SHA = CommitSha("a" * 40)

# The intent; name, queue, lock and priority of its job; its arguments. Literally, for jobs outlive
# the version that queued them: what stands here is changed only together with code that still runs
# what was queued before.
QUEUED: list[tuple[Intent, tuple[str, str, str | None, int], dict[str, Any]]] = [
    (
        ReconcileBranch(repository_id=REPOSITORY, branch=BranchName("x:y")),
        ("branches:reconcile", DATABASES, "branch:4711:x:y", 0),
        {"repository_id": 4711, "branch": "x:y", "head_sha": None},
    ),
    (
        ReconcileBranch(repository_id=REPOSITORY, branch=BranchName("x"), head_sha=SHA),
        ("branches:reconcile", DATABASES, "branch:4711:x", 0),
        {"repository_id": 4711, "branch": "x", "head_sha": "a" * 40},
    ),
    (
        ReconcileRepository(repository_id=REPOSITORY),
        ("repositories:reconcile", DATABASES, "repository:4711", 0),
        {"repository_id": 4711},
    ),
    (
        ReconcileInstallation(installation_id=InstallationId(4717)),
        ("installations:reconcile", DATABASES, "installation:4717", 0),
        {"installation_id": 4717},
    ),
    (
        EnsureDatabase(database_id=DATABASE),
        ("databases:ensure", DATABASES, "database:4715", 0),
        {"database_id": 4715},
    ),
    (
        RebuildDatabase(database_id=DATABASE, generation=3),
        ("databases:rebuild", DATABASES, "database:4715", 0),
        {"database_id": 4715, "generation": 3},
    ),
    (
        DropDatabase(database_id=DATABASE),
        ("databases:drop", DATABASES, "database:4715", 0),
        {"database_id": 4715, "is_by_hand": False},
    ),
    (
        RestoreDatabase(database_id=DATABASE),
        ("databases:restore", DATABASES, "database:4715", 0),
        {"database_id": 4715},
    ),
    (
        SealDatabase(database_id=DATABASE),
        ("databases:seal", DATABASES, "database:4715", 5),
        {"database_id": 4715},
    ),
    (
        FinishTemplate(database_id=DATABASE),
        ("templates:finish", DATABASES, "database:4715", 0),
        {"database_id": 4715},
    ),
    (
        RotatePassword(database_id=DATABASE),
        ("databases:rotate_password", DATABASES, "password:4715", 0),
        {"database_id": 4715},
    ),
    (
        OpenLogin(database_id=DATABASE, run_id=None),
        ("logins:open", DATABASES, "login:4715", 5),
        {"database_id": 4715, "run_id": None},
    ),
    (
        OpenLogin(database_id=DATABASE, run_id=RunId(4720)),
        ("logins:open", DATABASES, "login:4715", 5),
        {"database_id": 4715, "run_id": 4720},
    ),
    (
        EndLogin(database_id=DATABASE, login_id=JobLoginId(4719)),
        ("logins:end", DATABASES, "logins:4715", 5),
        {"database_id": 4715, "login_id": 4719},
    ),
    (
        EndRun(database_id=DATABASE),
        ("runs:end", DATABASES, "logins:4715", 5),
        {"database_id": 4715},
    ),
    (
        EndJobLogins(
            repository_id=REPOSITORY, workflow_run_id=WorkflowRunId(4718), workflow_attempt=2
        ),
        ("job_logins:end", DATABASES, "workflow_run:4718", 5),
        {
            "repository_id": 4711,
            "workflow_run_id": 4718,
            "workflow_attempt": 2,
            "workflow_job_id": None,
        },
    ),
    (
        ApplyLimits(instance_id=INSTANCE),
        ("instances:limit", DATABASES, "measure:4716", 0),
        {"instance_id": 4716},
    ),
    (
        MeasureInstance(instance_id=INSTANCE),
        ("instances:measure", DATABASES, "measure:4716", -5),
        {"instance_id": 4716},
    ),
    (
        CompareInstance(instance_id=INSTANCE),
        ("instances:compare", DATABASES, "compare:4716", -5),
        {"instance_id": 4716},
    ),
    (
        FlagStrays(instance_id=INSTANCE),
        ("instances:flag_strays", DATABASES, "strays:4716", -5),
        {"instance_id": 4716},
    ),
    (
        DeleteInstance(instance_id=INSTANCE),
        ("instances:delete", DATABASES, "delete:4716", 0),
        {"instance_id": 4716},
    ),
    (
        AnswerPullRequest(repository_id=REPOSITORY, number=NUMBER),
        ("pull_requests:answer", GITHUB, "pull:4711:4712", 0),
        {"repository_id": 4711, "number": 4712},
    ),
    (
        AnswerCommit(repository_id=REPOSITORY, head_sha=SHA),
        ("commits:answer", GITHUB, None, 0),
        {"repository_id": 4711, "head_sha": "a" * 40},
    ),
    (
        PressButton(
            repository_id=REPOSITORY,
            check_id=CHECK,
            identifier="fix",
            sender_id=1,
            sender_login="mona",
        ),
        ("buttons:press", GITHUB, "check:4714", 5),
        {
            "repository_id": 4711,
            "check_id": 4714,
            "identifier": "fix",
            "sender_id": 1,
            "sender_login": "mona",
        },
    ),
    (
        PostText(kind=TextKind.CHECK, repository_id=REPOSITORY, place=SHA, key="database"),
        ("outbox:post", GITHUB, f"check:4711:{SHA}:database", 0),
        {
            "kind": "check",
            "repository_id": 4711,
            "place": SHA,
            "key": "database",
            "is_last": False,
        },
    ),
    (
        PostText(
            kind=TextKind.CHECK, repository_id=REPOSITORY, place=SHA, key="migrate", is_last=True
        ),
        ("outbox:post", GITHUB, f"check:4711:{SHA}:migrate", -10),
        {"kind": "check", "repository_id": 4711, "place": SHA, "key": "migrate", "is_last": True},
    ),
    (
        RunCommand(repository_id=REPOSITORY, number=NUMBER, comment_id=COMMENT),
        ("commands:run", GITHUB, "command:4711:4712", 5),
        {"repository_id": 4711, "number": 4712, "comment_id": 4713},
    ),
    (
        reply_to(COMMENT, REPOSITORY, NUMBER),
        ("outbox:post", COMMENTS, "reply:4711:4712:4713", 5),
        {"kind": "reply", "repository_id": 4711, "place": "4712", "key": "4713", "is_last": False},
    ),
    (
        summary_of(REPOSITORY, NUMBER),
        ("outbox:post", COMMENTS, "summary:4711:4712:", 0),
        {"kind": "summary", "repository_id": 4711, "place": "4712", "key": "", "is_last": False},
    ),
]

# What the version before queued and this one only runs.
OF_BEFORE: list[tuple[tuple[str, str, str | None, int], dict[str, Any]]] = [
    (("checks:post", GITHUB, "check:4714", 0), {"check_id": 4714, "is_urgent": True}),
    (("checks:post", GITHUB, "check:4714", -10), {"check_id": 4714, "is_urgent": False}),
    (
        ("replies:post", COMMENTS, "reply:4713", 5),
        {"repository_id": 4711, "number": 4712, "comment_id": 4713},
    ),
    (
        ("summaries:post", COMMENTS, "summary:4711:4712", 0),
        {"repository_id": 4711, "number": 4712},
    ),
]

"""Every intent has a job of its own kind, in the queue that it belongs to."""

import typing
from typing import Any

import pytest
from procrastinate.jobs import Job
from procrastinate.tasks import Task

from app.core.errors import GitHubUnavailable, ServerUnreachable, TransientError
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
    DropDatabase,
    EndJobLogins,
    EndLogin,
    EndRun,
    EnsureDatabase,
    Intent,
    MeasureInstance,
    PostCheck,
    PostReply,
    PostSummary,
    PressButton,
    RebuildDatabase,
    ReconcileBranch,
    ReconcileInstallation,
    ReconcileRepository,
    RestoreDatabase,
    RotatePassword,
    RunCommand,
    SealDatabase,
)
from app.core.machine_intents import DeleteInstance, FlagStrays, OpenLogin
from app.core.queues import COMMENTS, DATABASES, GITHUB
from app.jobs import comment_tasks, github_tasks, periodic, tasks
from app.jobs.queue import app
from app.jobs.retry import MAX_WAIT_SECONDS, wait_seconds
from app.jobs.routes import route_of

__all__ = ["comment_tasks", "github_tasks", "tasks"]

REPOSITORY, DATABASE = RepositoryId(42), DatabaseId(7)

ROUTES: list[tuple[Any, str, str | None]] = [
    (
        ReconcileBranch(repository_id=REPOSITORY, branch=BranchName("x")),
        DATABASES,
        "branch:42:x",
    ),
    (ReconcileRepository(repository_id=REPOSITORY), DATABASES, "repository:42"),
    (ReconcileInstallation(installation_id=InstallationId(9)), DATABASES, "installation:9"),
    (EnsureDatabase(database_id=DATABASE), DATABASES, "database:7"),
    (RebuildDatabase(database_id=DATABASE, generation=1), DATABASES, "database:7"),
    (DropDatabase(database_id=DATABASE), DATABASES, "database:7"),
    (RestoreDatabase(database_id=DATABASE), DATABASES, "database:7"),
    (SealDatabase(database_id=DATABASE), DATABASES, "database:7"),
    (RotatePassword(database_id=DATABASE), DATABASES, "password:7"),
    (ApplyLimits(instance_id=InstanceId(3)), DATABASES, "measure:3"),
    (MeasureInstance(instance_id=InstanceId(3)), DATABASES, "measure:3"),
    (CompareInstance(instance_id=InstanceId(3)), DATABASES, "compare:3"),
    (FlagStrays(instance_id=InstanceId(3)), DATABASES, "strays:3"),
    (DeleteInstance(instance_id=InstanceId(3)), DATABASES, "delete:3"),
    (OpenLogin(database_id=DATABASE, run_id=RunId(2)), DATABASES, "login:7"),
    (
        EndJobLogins(
            repository_id=REPOSITORY, workflow_run_id=WorkflowRunId(5), workflow_attempt=1
        ),
        DATABASES,
        "workflow_run:5",
    ),
    (EndLogin(database_id=DATABASE, login_id=JobLoginId(4)), DATABASES, "logins:7"),
    (EndRun(database_id=DATABASE), DATABASES, "logins:7"),
    (
        AnswerPullRequest(repository_id=REPOSITORY, number=PullRequestNumber(3)),
        GITHUB,
        "pull:42:3",
    ),
    (AnswerCommit(repository_id=REPOSITORY, head_sha=CommitSha("a" * 40)), GITHUB, None),
    (PostCheck(check_id=CheckId(1)), GITHUB, "check:1"),
    (
        RunCommand(repository_id=REPOSITORY, number=PullRequestNumber(3), comment_id=CommentId(8)),
        GITHUB,
        "command:42:3",
    ),
    (
        PostReply(repository_id=REPOSITORY, number=PullRequestNumber(3), comment_id=CommentId(8)),
        COMMENTS,
        "reply:8",
    ),
    (
        PostSummary(repository_id=REPOSITORY, number=PullRequestNumber(3)),
        COMMENTS,
        "summary:42:3",
    ),
    (
        PressButton(
            repository_id=REPOSITORY,
            check_id=CheckId(1),
            identifier="fix",
            sender_id=1,
            sender_login="mona",
        ),
        GITHUB,
        "check:1",
    ),
]


@pytest.mark.parametrize(
    ("intent", "queue", "lock"), ROUTES, ids=[type(one).__name__ for one, _, _ in ROUTES]
)
def test_an_intent_becomes_a_job_of_its_queue_and_lock(
    intent: Intent, queue: str, lock: str | None
) -> None:
    route = route_of(intent)

    assert (route.queue, route.lock) == (queue, lock)
    assert app.tasks[route.task].queue == queue


def test_every_intent_is_in_the_table() -> None:
    assert {type(intent) for intent, _, _ in ROUTES} == set(typing.get_args(Intent))


def test_checks_that_nobody_waits_for_go_last() -> None:
    urgent, other = (
        route_of(PostCheck(check_id=CheckId(1), is_urgent=is_urgent)) for is_urgent in (True, False)
    )

    assert urgent.priority > other.priority


def test_a_deleted_database_is_sealed_before_anything_else_happens_to_it() -> None:
    seal = route_of(SealDatabase(database_id=DATABASE))

    assert seal.priority > route_of(EnsureDatabase(database_id=DATABASE)).priority


@pytest.mark.parametrize(
    ("error", "attempts", "seconds"),
    [
        (ServerUnreachable("away"), 0, 2),
        (ServerUnreachable("away"), 3, 16),
        (ServerUnreachable("away"), 30, MAX_WAIT_SECONDS),
        (GitHubUnavailable("limit", retry_after_seconds=900), 0, 901),
        (GitHubUnavailable("limit", retry_after_seconds=1), 5, 64),
    ],
)
def test_attempts_come_later_and_later_and_never_before_github_said(
    error: TransientError, attempts: int, seconds: int
) -> None:
    assert wait_seconds(error, attempts) == seconds


@pytest.mark.parametrize(
    "task", [periodic.reap, *periodic.AT_START], ids=lambda task: task.name.partition(":")[2]
)
def test_what_happens_by_the_clock_is_tried_again_and_not_given_up(
    task: Task[Any, Any, Any],
) -> None:
    job = Job(id=1, queue="databases", lock=None, queueing_lock=None, task_name=task.name)

    decided = task.get_retry_exception(ServerUnreachable("away"), job)

    assert decided is not None

"""Which job an intent becomes, with its queue, its lock and its priority."""

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How an intent is queued."""

    task: str
    queue: str
    lock: str | None
    priority: int = 0
    is_one: bool = False
    """One that failed and waits to be tried again does for another: it is asked for often."""


def route_of(intent: Intent) -> Route:
    """Jobs of one lock run one at a time, in order; a higher priority overtakes waiting ones."""
    match intent:
        case ReconcileBranch(repository_id=repository, branch=branch):
            return Route(
                task="branches:reconcile", queue=DATABASES, lock=f"branch:{repository}:{branch}"
            )
        case ReconcileRepository(repository_id=repository):
            return Route(
                task="repositories:reconcile", queue=DATABASES, lock=f"repository:{repository}"
            )
        case ReconcileInstallation(installation_id=installation):
            return Route(
                task="installations:reconcile",
                queue=DATABASES,
                lock=f"installation:{installation}",
            )
        case (
            EnsureDatabase()
            | RebuildDatabase()
            | DropDatabase()
            | RestoreDatabase()
            | SealDatabase()
            | RotatePassword()
        ):
            return _database_route(intent)
        case EndJobLogins() | EndLogin() | EndRun():
            return _ending_route(intent)
        case OpenLogin(database_id=database):
            # A lock of its own, and first: a job of a workflow asks for it every two seconds.
            return Route(task="logins:open", queue=DATABASES, lock=f"login:{database}", priority=5)
        case (
            ApplyLimits() | MeasureInstance() | CompareInstance() | FlagStrays() | DeleteInstance()
        ):
            return _instance_route(intent)
        case _:
            return _github_route(intent)


def _instance_route(
    intent: ApplyLimits | MeasureInstance | CompareInstance | FlagStrays | DeleteInstance,
) -> Route:
    # Looks go last: they may wait for a server that is away, and nobody waits for them.
    task, lock, priority = {
        ApplyLimits: ("instances:limit", "measure", 0),
        MeasureInstance: ("instances:measure", "measure", -5),
        CompareInstance: ("instances:compare", "compare", -5),
        FlagStrays: ("instances:flag_strays", "strays", -5),
        DeleteInstance: ("instances:delete", "delete", 0),
    }[type(intent)]
    return Route(task=task, queue=DATABASES, lock=f"{lock}:{intent.instance_id}", priority=priority)


def _database_route(
    intent: EnsureDatabase
    | RebuildDatabase
    | DropDatabase
    | RestoreDatabase
    | SealDatabase
    | RotatePassword,
) -> Route:
    tasks = {
        EnsureDatabase: "databases:ensure",
        RebuildDatabase: "databases:rebuild",
        DropDatabase: "databases:drop",
        RestoreDatabase: "databases:restore",
        SealDatabase: "databases:seal",
        RotatePassword: "databases:rotate_password",
    }
    # A lock of its own: it may wait for hours, and must not hold up what mends a database.
    lock = "password" if isinstance(intent, RotatePassword) else "database"
    return Route(
        task=tasks[type(intent)],
        queue=DATABASES,
        lock=f"{lock}:{intent.database_id}",
        # Overtakes what waits: somebody was shut out just now, and may still be inside.
        priority=5 if isinstance(intent, SealDatabase) else 0,
    )


def _ending_route(intent: EndJobLogins | EndLogin | EndRun) -> Route:
    if isinstance(intent, EndJobLogins):
        lock = f"workflow_run:{intent.workflow_run_id}"
        return Route(task="job_logins:end", queue=DATABASES, lock=lock, priority=5)
    task = "logins:end" if isinstance(intent, EndLogin) else "runs:end"
    # A lock of their own: they may take long, and hold up nothing else of the database. They
    # overtake what waits, like the closing of a database: somebody may still be inside.
    lock = f"logins:{intent.database_id}"
    return Route(task=task, queue=DATABASES, lock=lock, priority=5, is_one=True)


def _github_route(
    intent: AnswerPullRequest
    | AnswerCommit
    | PressButton
    | PostCheck
    | RunCommand
    | PostReply
    | PostSummary,
) -> Route:
    match intent:
        case AnswerPullRequest(repository_id=repository, number=number):
            return Route(
                task="pull_requests:answer", queue=GITHUB, lock=f"pull:{repository}:{number}"
            )
        case AnswerCommit():
            # No lock: a delayed answer must not hold back the one that a completed run asks for.
            return Route(task="commits:answer", queue=GITHUB, lock=None)
        case PressButton(check_id=check):
            return Route(task="buttons:press", queue=GITHUB, lock=f"check:{check}", priority=5)
        case PostCheck(check_id=check, is_urgent=is_urgent):
            return Route(
                task="checks:post",
                queue=GITHUB,
                lock=f"check:{check}",
                priority=0 if is_urgent else -10,
            )
        case _:
            return _comment_route(intent)


def _comment_route(intent: RunCommand | PostReply | PostSummary) -> Route:
    match intent:
        case RunCommand(repository_id=repository, number=number):
            return Route(
                task="commands:run",
                queue=GITHUB,
                lock=f"command:{repository}:{number}",
                priority=5,
            )
        case PostReply(comment_id=comment):
            return Route(task="replies:post", queue=COMMENTS, lock=f"reply:{comment}", priority=5)
        case PostSummary(repository_id=repository, number=number):
            return Route(
                task="summaries:post", queue=COMMENTS, lock=f"summary:{repository}:{number}"
            )

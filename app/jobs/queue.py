"""The queue itself: which job an intent becomes, with its lock and its priority."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, LiteralString

import procrastinate
from procrastinate.schema import SchemaManager
from psycopg import Connection

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
from app.core.queues import COMMENTS, DATABASES, GITHUB
from app.jobs.ledger import Ledger
from app.jobs.moot import end_well

# A job that waits and has not begun does all that another one like it would: that one is left out,
# and the waiting one becomes due if it was put off. Its row is locked until the caller commits, so
# that it cannot begin before what it is to see is there; jobs in the order of their ids, because
# two callers may know the same jobs in another order.
DEFER = """
    WITH wanted AS (
        SELECT * FROM ROWS FROM (jsonb_to_recordset(%s) AS (queue text, task text, priority integer,
            lock text, is_one boolean, delay_seconds double precision, arguments jsonb))
            WITH ORDINALITY
            AS jobs (queue, task, priority, lock, is_one, delay_seconds, arguments, number)
    ), alike AS MATERIALIZED (
        SELECT number, id,
            scheduled_at IS NOT NULL AND delay_seconds = 0 AND attempts = 0 AS is_late
        FROM procrastinate_jobs JOIN wanted USING (lock)
        WHERE status = 'todo' AND task_name = task AND args = arguments
            AND (is_one OR attempts = 0 AND procrastinate_jobs.priority = wanted.priority)
        ORDER BY id FOR UPDATE OF procrastinate_jobs
    ), hurried AS (
        UPDATE procrastinate_jobs SET scheduled_at = NULL
        WHERE id IN (SELECT id FROM alike WHERE is_late)
    )
    SELECT procrastinate_defer_jobs_v1(array_agg(
        (queue, task, priority, lock, NULL, arguments,
         CASE WHEN delay_seconds > 0 THEN now() + make_interval(secs => delay_seconds) END
        )::procrastinate_job_to_defer_v1 ORDER BY number))
    FROM wanted WHERE number NOT IN (SELECT number FROM alike)
"""

# Never connects by itself: deferring uses the caller's connection, a worker its own connector.
app = procrastinate.App(
    connector=procrastinate.PsycopgConnector(), worker_defaults={"task_middleware": [end_well]}
)
ledger = Ledger(connector=app.connector, knows=app.tasks)
app.job_manager = ledger


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How an intent is queued."""

    task: str
    queue: str
    lock: str | None
    priority: int = 0
    is_one: bool = False
    """One that failed and waits to be tried again does for another: it is asked for often."""


def queue_schema() -> LiteralString:
    """Procrastinate's own tables and functions, as SQL."""
    return SchemaManager.get_schema()


def defer(connection: Connection[Any], intents: Sequence[Intent]) -> None:
    """Queue one job for each intent in the caller's transaction: both exist, or neither.

    Calls procrastinate's own function in one round trip: its Python API cannot use a caller's
    connection while the process is a worker too.
    """
    if intents:
        connection.execute(DEFER, [json.dumps([_job(intent) for intent in intents])])


def _job(intent: Intent) -> dict[str, Any]:
    route, arguments = route_of(intent), asdict(intent)
    delay_seconds = arguments.pop("delay_seconds", 0)
    return {**asdict(route), "delay_seconds": delay_seconds, "arguments": arguments}


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
        case ApplyLimits() | MeasureInstance() | CompareInstance():
            return _instance_route(intent)
        case _:
            return _github_route(intent)


def _instance_route(intent: ApplyLimits | MeasureInstance | CompareInstance) -> Route:
    tasks = {
        ApplyLimits: "instances:limit",
        MeasureInstance: "instances:measure",
        CompareInstance: "instances:compare",
    }
    lock = "compare" if isinstance(intent, CompareInstance) else "measure"
    return Route(
        task=tasks[type(intent)],
        queue=DATABASES,
        lock=f"{lock}:{intent.instance_id}",
        # Looks go last: they may wait for a server that is away, and nobody waits for them.
        priority=0 if isinstance(intent, ApplyLimits) else -5,
    )


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

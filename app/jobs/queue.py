"""The queue itself: which job an intent becomes, with its lock and its priority."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, LiteralString

import procrastinate
from procrastinate.schema import SchemaManager
from psycopg import Connection

from app.core.intents import (
    AnswerCommit,
    AnswerPullRequest,
    DropDatabase,
    EndJobLogins,
    EnsureDatabase,
    Intent,
    PostCheck,
    PressButton,
    RebuildDatabase,
    ReconcileBranch,
    ReconcileInstallation,
    ReconcileRepository,
)

DATABASES = "databases"
"""Queue of everything that makes, opens or ends databases."""
GITHUB = "github"
"""Queue of what is written to GitHub; served apart, so that GitHub never delays a database."""

# Never connects by itself: deferring uses the caller's connection, a worker its own connector.
app = procrastinate.App(connector=procrastinate.PsycopgConnector())


@dataclass(frozen=True, slots=True, kw_only=True)
class Route:
    """How an intent is queued."""

    task: str
    queue: str
    lock: str | None
    priority: int = 0


def queue_schema() -> LiteralString:
    """Procrastinate's own tables and functions, as SQL."""
    return SchemaManager.get_schema()


def defer(connection: Connection[Any], intents: Sequence[Intent]) -> None:
    """Queue one job for each intent in the caller's transaction: both exist, or neither."""
    for intent in intents:
        route = route_of(intent)
        arguments = asdict(intent)
        delay_seconds = arguments.pop("delay_seconds", 0)
        app.configure_task(
            route.task,
            queue=route.queue,
            lock=route.lock,
            priority=route.priority,
            schedule_in={"seconds": delay_seconds} if delay_seconds else None,
            connection=connection,
        ).defer(**arguments)


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
        case EnsureDatabase(database_id=database):
            return Route(task="databases:ensure", queue=DATABASES, lock=f"database:{database}")
        case RebuildDatabase(database_id=database):
            return Route(task="databases:rebuild", queue=DATABASES, lock=f"database:{database}")
        case DropDatabase(database_id=database):
            return Route(task="databases:drop", queue=DATABASES, lock=f"database:{database}")
        case EndJobLogins(workflow_run_id=run):
            return Route(task="job_logins:end", queue=DATABASES, lock=f"workflow_run:{run}")
        case _:
            return _github_route(intent)


def _github_route(
    intent: AnswerPullRequest | AnswerCommit | PressButton | PostCheck,
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

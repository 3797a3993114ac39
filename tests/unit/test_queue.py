"""Every intent has a job of its own kind, in the queue that it belongs to."""

from typing import Any

import pytest
from procrastinate.jobs import Job
from procrastinate.tasks import Task

from app.core import intents
from app.core.errors import GitHubUnavailable, ServerUnreachable, TransientError
from app.core.identifiers import DatabaseId, RepositoryId
from app.core.intents import EnsureDatabase, Intent, PostText, SealDatabase
from app.core.outbox import TextKind
from app.jobs import handlers, periodic
from app.jobs.queue import app
from app.jobs.retry import MAX_WAIT_SECONDS, wait_seconds
from tests.integration.queued_jobs import QUEUED

__all__ = ["handlers"]


DATABASE = DatabaseId(7)
KINDS = {
    one
    for one in vars(intents).values()
    if isinstance(one, type) and issubclass(one, Intent) and hasattr(one, "name")
}


def test_every_intent_is_handled_by_a_task_of_its_name() -> None:
    assert {kind.name for kind in KINDS} <= app.tasks.keys()


def test_every_intent_is_in_the_table_of_jobs_that_another_version_runs() -> None:
    assert {type(intent) for intent, _, _ in QUEUED} == KINDS


def test_checks_that_nobody_waits_for_go_last() -> None:
    urgent, other = (
        PostText(
            kind=TextKind.CHECK, repository_id=RepositoryId(1), place="a" * 40, is_last=is_last
        )
        for is_last in (False, True)
    )

    assert urgent.priority > other.priority


def test_a_deleted_database_is_sealed_before_anything_else_happens_to_it() -> None:
    seal = SealDatabase(database_id=DATABASE)

    assert seal.priority > EnsureDatabase(database_id=DATABASE).priority


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

"""Deliveries: each is stored once, in one transaction with the jobs it causes."""

from collections.abc import Callable, Sequence
from typing import Any

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.decisions import Known, decide
from app.core.environments import Environment
from app.core.events import (
    BranchCreated,
    BranchDeleted,
    BranchPushed,
    CommandGiven,
    Event,
    InstallationChanged,
    PullRequestChanged,
    RepositoryEvent,
    SuiteRerequested,
    WorkflowCompleted,
)
from app.core.identifiers import BranchName
from app.core.intents import Intent, ReconcileInstallation
from app.core.repositories import Repository
from app.operations.ports.knowledge import Delivery
from app.store.apps import assignments_of
from app.store.check_votes import shares_checks
from app.store.commands import put_command
from app.store.databases import database_from
from app.store.repositories import find_repository, pull_request_from, put_pull_request


class PostgresDeliveries:
    """The `Deliveries` port: decides what a delivery causes in the transaction that stores it."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[DictRow]],
        *,
        defer: Callable[[Connection[Any], Sequence[Intent]], None],
    ) -> None:
        self._pool = pool
        self._defer = defer

    def record(self, delivery: Delivery, event: Event | None) -> str:
        with self._pool.connection() as connection:
            is_new = connection.execute(
                "INSERT INTO deliveries (guid, event, action, outcome) VALUES (%s, %s, %s, %s)"
                " ON CONFLICT DO NOTHING RETURNING true",
                [
                    delivery.guid,
                    delivery.event,
                    delivery.action,
                    "ignored" if event is None else "nothing",
                ],
            ).fetchone()
            if not is_new:
                return "duplicate"
            if event is None:
                return "ignored"
            intents = _intents(connection, event)
            if not intents:
                return "nothing"
            self._defer(connection, intents)
            connection.execute(
                "UPDATE deliveries SET outcome = 'queued' WHERE guid = %s", [delivery.guid]
            )
            return "queued"

    def has(self, guid: str) -> bool:
        with self._pool.connection() as connection:
            row = connection.execute("SELECT FROM deliveries WHERE guid = %s", [guid]).fetchone()
        return row is not None

    def forget(self, *, older_than_days: int) -> None:
        with self._pool.connection() as connection:
            connection.execute(
                "DELETE FROM deliveries WHERE received_at < now() - make_interval(days => %s)",
                [older_than_days],
            )


def _intents(connection: Connection[DictRow], event: Event) -> list[Intent]:
    if isinstance(event, InstallationChanged):
        return [ReconcileInstallation(installation_id=event.installation_id)]
    repository = find_repository(connection, event.repository.id)
    if repository is None:
        return []
    if isinstance(event, PullRequestChanged):
        put_pull_request(connection, event.pull_request)
    known = _known(connection, event, repository)
    if isinstance(event, CommandGiven) and not (
        known.assignments and put_command(connection, event)
    ):
        return []  # nobody to obey it, or obeyed already
    return decide(event, known)


def _known(
    connection: Connection[DictRow], event: RepositoryEvent, repository: Repository
) -> Known:
    assignments = tuple(assignments_of(connection, repository_id=repository.id))
    known = Known(repository=repository, assignments=assignments)
    if isinstance(event, WorkflowCompleted):
        return _around_workflow(connection, known, event)
    if not assignments:
        return known
    match event:
        case BranchPushed() | BranchCreated() | BranchDeleted():
            return _around_branch(connection, known, event.branch)
        case PullRequestChanged(pull_request=pull_request):
            return _around_branch(connection, known, pull_request.head_branch)
        case SuiteRerequested():
            return _around_suite(connection, known, event)
        case _:
            return known


def _around_branch(connection: Connection[DictRow], known: Known, branch: BranchName) -> Known:
    is_default = branch == known.repository.default_branch
    databases = connection.execute(
        "SELECT * FROM databases WHERE is_live AND state <> 'gone' AND app_id = ANY(%s)"
        " AND (branch = %s OR environment = ANY(%s))",
        [
            [assignment.app.id for assignment in known.assignments],
            branch,
            [Environment.PRODUCTION, Environment.PREVIEW] if is_default else [],
        ],
    ).fetchall()
    pulls = connection.execute(
        "SELECT * FROM pull_requests WHERE repository_id = %s AND head_repository_id = %s"
        " AND head_branch = %s AND is_open",
        [known.repository.id, known.repository.id, branch],
    ).fetchall()
    return Known(
        repository=known.repository,
        assignments=known.assignments,
        databases=tuple(database_from(row) for row in databases),
        open_pull_requests=tuple(pull_request_from(row) for row in pulls),
        shares_checks=shares_checks(connection, known.repository.id, branch, is_default=is_default),
    )


def _around_workflow(
    connection: Connection[DictRow], known: Known, event: WorkflowCompleted
) -> Known:
    logins = connection.execute(
        "SELECT FROM job_logins JOIN runs ON runs.id = run_id WHERE ended_at IS NULL"
        " AND repository_id = %s AND workflow_run_id = %s LIMIT 1",
        [known.repository.id, event.workflow_run_id],
    ).fetchone()
    pulls = connection.execute(
        "SELECT * FROM pull_requests WHERE repository_id = %s AND head_sha = %s AND is_open",
        [known.repository.id, event.head_sha],
    ).fetchall()
    return Known(
        repository=known.repository,
        assignments=known.assignments,
        open_pull_requests=tuple(pull_request_from(row) for row in pulls),
        has_job_logins=logins is not None,
    )


def _around_suite(connection: Connection[DictRow], known: Known, event: SuiteRerequested) -> Known:
    rows = connection.execute(
        "SELECT min(id) AS id FROM checks WHERE repository_id = %s AND head_sha = %s"
        " AND run_id IS NOT NULL GROUP BY run_id",
        [known.repository.id, event.head_sha],
    ).fetchall()
    return Known(
        repository=known.repository,
        assignments=known.assignments,
        rerunnable_checks=tuple(row["id"] for row in rows),
    )

"""Buttons on our check runs: whoever may not press them is ignored silently."""

from dataclasses import dataclass

from app.core.checks import Check
from app.core.databases import Database
from app.core.environments import Environment
from app.core.errors import Conflict, NotFound
from app.core.identifiers import CheckId, RepositoryId
from app.core.intents import ReconcileBranch
from app.core.repositories import Repository
from app.core.runs import Run
from app.operations.databases import freezing
from app.operations.services import Services

FIX = "fix"
RERUN = "rerun"
_MAY_WRITE = frozenset({"write", "maintain", "admin"})
_MAY_MAINTAIN = frozenset({"maintain", "admin"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Sender:
    """Who pressed, and where, as the webhook tells it."""

    repository_id: RepositoryId
    sender_id: int
    sender_login: str


def press_button(services: Services, check_id: CheckId, *, identifier: str, sender: Sender) -> None:
    """Do what the button says, if the sender may do it now.

    A button checks nothing itself: the permission is read from GitHub here, at the last moment.
    Raises GitHubUnavailable.
    """
    repository = services.repositories.get(sender.repository_id)
    check = _check_of(services, check_id, sender)
    if check is None or repository is None or not repository.is_active:
        return
    run_id = services.checks.run_of(check_id)
    database_id = services.checks.database_of(check_id)
    if identifier == RERUN and run_id is not None:
        run = services.runs.get(run_id)
        if _may(services, repository, sender, run.environments):
            _rerun(services, repository, run, sender)
    elif identifier in {FIX, RERUN} and database_id is not None:
        database = services.databases.get(database_id)
        if _may(services, repository, sender, (database.environment,)):
            _fix(services, repository, check, database, sender)


def _check_of(services: Services, check_id: CheckId, sender: Sender) -> Check | None:
    try:
        check = services.checks.get(check_id)
    except NotFound:
        return None
    return check if check.repository_id == sender.repository_id else None


def _may(
    services: Services,
    repository: Repository,
    sender: Sender,
    environments: tuple[Environment, ...],
) -> bool:
    """A job that reaches production needs who maintains the repository."""
    permission = services.github.permission(
        repository, login=sender.sender_login, user_id=sender.sender_id
    )
    needs_maintainer = Environment.PRODUCTION in environments
    return permission in (_MAY_MAINTAIN if needs_maintainer else _MAY_WRITE)


def _rerun(services: Services, repository: Repository, run: Run, sender: Sender) -> None:
    """Start the recorded job again, or its whole workflow when GitHub refuses that."""
    _record(services, sender, "check.rerun", f"run {run.id}")
    if run.workflow_job_id is not None:
        try:
            services.github.rerun_job(repository, run.workflow_job_id)
            return
        except Conflict:
            pass
    try:
        services.github.rerun_workflow(repository, run.workflow_run_id)
    except Conflict:
        # Still running, or too old: GitHub's own page of the job says which.
        return


def _fix(
    services: Services, repository: Repository, check: Check, database: Database, sender: Sender
) -> None:
    """Make the branch's databases again; its `database` check tells how that went."""
    _record(services, sender, "database.fix", database.name)
    freezing.thaw(services, database)
    services.queue.add(
        [
            ReconcileBranch(
                repository_id=repository.id,
                branch=database.branch or repository.default_branch,
                head_sha=check.head_sha,
            )
        ]
    )


def _record(services: Services, sender: Sender, action: str, subject: str) -> None:
    services.audit.record(f"github:{sender.sender_login}", action, subject)

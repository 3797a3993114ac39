"""What a command and a button on a check run do alike."""

from functools import partial

from app.core import lifecycle
from app.core.audit import AuditEvent
from app.core.databases import Database, DatabaseState
from app.core.errors import Conflict
from app.core.identifiers import BranchName, CommitSha
from app.core.intents import EnsureDatabase, ReconcileBranch
from app.core.people import Actor, Change
from app.core.repositories import Repository
from app.core.runs import Run
from app.operations.access import Permitted
from app.operations.runs import endings
from app.operations.services import Services


def acting_as(services: Services, *, login: str, user_id: int, source: str) -> Services:
    """The services in the hands of a person of GitHub's, for the audit trail."""
    actor = Actor(name=f"github:{login}", login=login, user_id=user_id)
    return services.acting_as(actor, source=source)


def fix(
    services: Services,
    repository: Repository,
    branch: BranchName,
    permitted: Permitted[Database | None, Change],
    *,
    head_sha: CommitSha,
) -> None:
    """Have a branch's databases made, restored or set up once more; their data stays.

    The default branch has production and preview. The check `database` of the commit says how it
    went.
    """
    database = permitted.subject
    services.record(AuditEvent.DATABASES_FIX, database.name if database else branch)
    again = ReconcileBranch(repository_id=repository.id, branch=branch, head_sha=head_sha)
    if database is not None and database.state in {DatabaseState.READY, DatabaseState.ERROR}:
        endings.let_go(services, database.id)
        # Not by way of GitHub, so that nobody is shut out while that is away.
        ensure = EnsureDatabase(database_id=database.id)
        event = partial(lifecycle.set_up_again, for_person=True, now=services.clock())
        if services.store.databases.apply_to(database.id, event, then=[ensure, again]) is not None:
            return
    services.store.queue.add([again])


def rerun(
    services: Services, repository: Repository, permitted: Permitted[Run, Change]
) -> str | None:
    """Start the recorded job again, or its whole workflow when GitHub refuses that.

    Returns GitHub's reason when it refuses both: the job still runs, or is too old.
    """
    run = permitted.subject
    services.record(AuditEvent.WORKFLOW_RERUN, f"run {run.id}")
    if run.workflow_job_id is not None:
        try:
            services.github.rerun_job(repository, run.workflow_job_id)
        except Conflict:
            pass
        else:
            return None
    try:
        services.github.rerun_workflow(repository, run.workflow_run_id)
    except Conflict as error:
        return str(error)
    return None

"""Whether the run that holds a database is over although its lease still stands."""

from app.core.errors import CoppiceError
from app.core.identifiers import DatabaseId
from app.core.runs import Lease, MigrationResult, Outcome, Run
from app.operations.runs import announcements
from app.operations.services import Services


def let_go(services: Services, database_id: DatabaseId) -> None:
    """End the lease of a run that is over: it reported, went silent, or GitHub says so.

    Its logins are ended by others, so this asks nothing of the database's server. A run that holds
    on meanwhile keeps its lease.
    """
    lease = services.store.leases.of(database_id)
    if lease is None or not _is_over(services, lease):
        return
    if not services.store.leases.seize(lease.migration.id, at=lease.expires_at):
        return
    migration = services.store.migrations.finish(
        lease.migration.id, Outcome(result=MigrationResult.FAILURE), at=services.clock()
    )
    services.store.leases.release(migration.id)
    announcements.finished(services, services.store.runs.get(migration.run_id), migration)


def _is_over(services: Services, lease: Lease) -> bool:
    is_ended = lease.migration.finished_at is not None
    if is_ended or lease.expires_at <= services.clock():
        return True
    try:
        return _is_completed(services, services.store.runs.get(lease.migration.run_id))
    except CoppiceError:
        return False  # GitHub is away: it is over when it does not renew its lease


def _is_completed(services: Services, run: Run) -> bool:
    """Whether GitHub says that the job, or its attempt, has ended."""
    repository = services.store.repositories.get(run.repository_id)
    if repository is None:
        return False
    workflow = services.github.workflow_run(repository, run.workflow_run_id)
    if workflow is None or workflow.is_completed or workflow.attempt > run.workflow_attempt:
        return True
    jobs = services.github.workflow_jobs(
        repository, run.workflow_run_id, attempt=run.workflow_attempt
    )
    return any(job.id == run.workflow_job_id and job.is_completed for job in jobs)

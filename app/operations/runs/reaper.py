"""The net under runs: what a runner that went away left behind is closed.

Each end is a job of its own, so that one that takes long keeps no other waiting.
"""

from collections.abc import Sequence

from app.core.identifiers import (
    DatabaseId,
    JobLoginId,
    RepositoryId,
    WorkflowJobId,
    WorkflowRunId,
)
from app.core.intents import EndLogin, EndRun, Intent
from app.core.runs import JobLogin, Lease, MigrationResult, Outcome
from app.operations.runs import announcements, credentials, templates
from app.operations.services import Services


def reap(services: Services) -> None:
    """Have everything ended whose time is over.

    What could not be ended is asked for again each time, until it is.
    """
    services.store.queue.add(due(services))


def due(services: Services) -> Sequence[Intent]:
    """Migrations whose lease ran out, logins whose time is over, templates that nobody holds."""
    now = services.clock()
    runs = [EndRun(database_id=lease.database_id) for lease in services.store.leases.expired(now)]
    ends = _ends_of(services.store.job_logins.due(now))
    return [*runs, *ends, *templates.unfinished(services)]


def end_job_logins(
    services: Services,
    repository_id: RepositoryId,
    workflow_run_id: WorkflowRunId,
    *,
    workflow_attempt: int,
    workflow_job_id: WorkflowJobId | None,
) -> None:
    """GitHub reported a job, or with None a whole attempt, completed: have its logins ended."""
    logins = services.store.job_logins.of_workflow_run(
        repository_id, workflow_run_id, attempt=workflow_attempt, job_id=workflow_job_id
    )
    services.store.queue.add(_ends_of(logins))


def end_login(services: Services, database_id: DatabaseId, login_id: JobLoginId) -> None:
    """End one login, unless it has ended. Raises CoppiceError when that could not be done yet."""
    for login in services.store.job_logins.of_database(database_id):
        if login.id == login_id:
            credentials.close(services, login)
            _tell_late(services, login)


def _tell_late(services: Services, login: JobLogin) -> None:
    """Say on the check what the end of a login showed after its migration had been told of."""
    migrations = services.store.migrations.of_run(login.run_id)
    of_database = [one for one in migrations if one.database_id == login.database_id]
    if of_database and of_database[-1].remark and of_database[-1].finished_at is not None:
        announcements.finished(services, services.store.runs.get(login.run_id), of_database[-1])


def end_run(services: Services, database_id: DatabaseId) -> None:
    """End the run that holds a database and went silent, if there is one; see `end_dead`."""
    lease = services.store.leases.of(database_id)
    if lease is not None and lease.expires_at <= services.clock():
        end_dead(services, lease)


def end_dead(services: Services, lease: Lease) -> None:
    """End the sessions of a run that went silent, then close its migration and let go.

    In this order, so that nobody else gets the database while the dead run's sessions write. Raises
    ServerUnreachable when the login could not be ended; the lease then still keeps others out.
    """
    if not services.store.leases.seize(lease.migration.id, at=services.clock()):
        return
    run = services.store.runs.get(lease.migration.run_id)
    logins = services.store.job_logins.of_database(lease.database_id)
    credentials.close_all(services, [login for login in logins if login.run_id == run.id])
    credentials.end_runtime_sessions(services, run, lease.database_id)
    migration = services.store.migrations.finish(
        lease.migration.id, Outcome(result=MigrationResult.FAILURE), at=services.clock()
    )
    services.store.leases.release(migration.id)
    announcements.finished(services, run, migration)


def _ends_of(logins: Sequence[JobLogin]) -> list[EndLogin]:
    return [EndLogin(database_id=login.database_id, login_id=login.id) for login in logins]

"""The net under runs: what a runner that went away left behind is closed."""

from app.core.errors import CoppiceError
from app.core.runs import MigrationResult
from app.operations.checks import announcements
from app.operations.ports.runs import Lease, Outcome
from app.operations.runs import credentials
from app.operations.services import Services


def reap(services: Services) -> None:
    """Close migrations whose lease ran out, and end the logins whose time is over.

    One failure does not keep the others from ending; raises the first one when all were tried.
    """
    failures: list[CoppiceError] = []
    for lease in services.leases.expired(services.clock()):
        try:
            end_dead(services, lease)
        except CoppiceError as error:
            failures.append(error)
    try:
        credentials.close_all(services, services.job_logins.due(services.clock()))
    except CoppiceError as error:
        failures.append(error)
    if failures:
        raise failures[0]


def end_dead(services: Services, lease: Lease) -> None:
    """End the sessions of a run that went silent, then close its migration and let go.

    In this order, so that nobody else gets the database while the dead run's sessions write. Raises
    ServerUnreachable when the login could not be ended; the lease then still keeps others out.
    """
    if not services.leases.seize(lease.migration.id, at=services.clock()):
        return
    run = services.runs.get(lease.migration.run_id)
    logins = services.job_logins.of_database(lease.database_id)
    credentials.close_all(services, [login for login in logins if login.run_id == run.id])
    credentials.end_runtime_sessions(services, run, lease.database_id)
    migration = services.migrations.finish(
        lease.migration.id, Outcome(result=MigrationResult.FAILURE), at=services.clock()
    )
    services.leases.release(migration.id)
    announcements.finished(services, run, migration)

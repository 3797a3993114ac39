"""Holding a database for one migration at a time."""

from datetime import timedelta

from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.intents import EndRun
from app.core.runs import Lease, Migration, Run
from app.operations.runs import credentials, reaper
from app.operations.runs.refusals import lease_lost, not_yet
from app.operations.services import Services

LEASE = timedelta(seconds=60)


def wait_for_others(services: Services, run: Run, environment: Environment) -> None:
    """Look at what the state alone tells, so that waiting costs no request to GitHub."""
    branch = run.branch if environment is Environment.BRANCH else None
    database = services.store.databases.live(run.app_id, environment, branch)
    if database is None:
        return
    if database.state is DatabaseState.CREATING:
        raise not_yet("creating", f"{database.name} is being created.")
    lease = services.store.leases.of(database.id)
    is_others = lease is not None and lease.migration.run_id != run.id
    if lease is not None and is_others and lease.expires_at > services.clock():
        raise not_yet("busy", f"Another run migrates {database.name}.")


def take(services: Services, run: Run, database: Database, *, is_rebuilt: bool) -> Migration:
    """Start the migration and hold the database for it, after whoever held it is ended."""
    now = services.clock()
    lease = services.store.leases.of(database.id)
    if lease is not None and lease.migration.run_id != run.id and lease.expires_at <= now:
        _end_dead(services, database, lease)
    new = Migration(
        run_id=run.id,
        database_id=database.id,
        environment=database.environment,
        generation=database.generation,
        rebuilt=is_rebuilt,
        started_at=now,
    )
    taken = services.store.migrations.take(new, expires_at=now + LEASE)
    if taken is None:
        raise not_yet("busy", f"Somebody else was faster to get {database.name}.")
    migration, holds = taken
    if not holds or not services.store.leases.renew(migration.id, expires_at=now + LEASE):
        raise lease_lost()
    # Of runs that ended while PostgreSQL was away: their sessions must not write beside ours.
    others = services.store.job_logins.of_database(database.id)
    credentials.close_all(
        services, [one for one in others if one.run_id != run.id and not one.outlives_run]
    )
    return migration


def _end_dead(services: Services, database: Database, lease: Lease) -> None:
    """Raises Refused while the machine of the server ends what went silent."""
    if not services.store.hosts.is_here(services.store.instances.get(database.instance_id)):
        services.store.queue.add([EndRun(database_id=database.id)])
        raise not_yet("busy", f"The last run of {database.name} is being ended.")
    reaper.end_dead(services, lease)

"""The seed command of a run: whether it follows the migration, and what its end means."""

from app.core import seeding
from app.core.assignments import Assignment
from app.core.databases import Database
from app.core.runs import Migration, MigrationResult, Run
from app.operations.services import Services


def is_due(services: Services, run: Run, assignment: Assignment | None, database: Database) -> bool:
    """Whether the run is to seed the database that it holds, once it is migrated."""
    if assignment is None:
        return False
    return seeding.is_due(
        database,
        services.seeds.of(database),
        command=run.seed_command,
        policies=assignment.policies,
    )


def conclude(services: Services, run: Run, migration: Migration) -> None:
    """Remember how seeding ended; called before the database counts as migrated.

    A seed that failed, or that was due and of which nothing was heard, is owed to the next run.
    """
    if migration.result is not MigrationResult.SUCCESS:
        return
    database = services.databases.get(migration.database_id)
    if database.generation != migration.generation:
        return
    if migration.seeding is not None and migration.seeding.has_succeeded:
        services.seeds.settle(database, at=services.clock())
        return
    assignment = services.apps.assignment(run.app_id)
    if migration.seeding is not None or is_due(services, run, assignment, database):
        services.seeds.owe(database)

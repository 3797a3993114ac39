"""A run on the default branch makes a template: whether one is due, and what becomes of it."""

from functools import partial

from app.core import lifecycle
from app.core.databases import ENDED, Database, DatabaseState
from app.core.errors import GitHubUnavailable
from app.core.identifiers import DatabaseId
from app.core.intents import DropDatabase, FinishTemplate
from app.core.migration_paths import may_change_migrations
from app.core.runs import Run
from app.operations.databases.provisioning import server_of, tenant_of
from app.operations.databases.templates import current_of, retire_unused
from app.operations.runs import credentials
from app.operations.services import Services


def not_due(services: Services, run: Run) -> str | None:
    """Why a run whose production was migrated makes no template, for a person; None: it does.

    A person who starts the workflow by hand gets one of each commit. What GitHub cannot tell is
    taken for a change.
    """
    store = services.store
    current = current_of(store, store.apps.assignment(run.app_id))
    if current is None or current.migrated_sha is None:
        return None
    if current.migrated_sha == run.head_sha:
        return f"{current.name} is of this commit."
    last = store.migrations.last_of_database(current)
    made_by = store.runs.get(last.run_id) if last else None
    is_same = made_by is not None and (made_by.command, made_by.seed_command) == (
        run.command,
        run.seed_command,
    )
    repository = store.repositories.get(run.repository_id)
    if not is_same or repository is None or run.event == "workflow_dispatch":
        return None
    try:
        found = services.github.changed_files(
            repository, base=current.migrated_sha, head=run.head_sha
        )
    except GitHubUnavailable:
        return None
    if found is None or may_change_migrations(found):
        return None
    return f"No migration has changed since {current.name}, so new databases go on from it."


def needs_fresh(services: Services, run: Run, database: Database) -> bool:
    """Whether another run has been at an unfinished template, so that it is dropped first."""
    last = services.store.migrations.last_of_database(database)
    if last is None or last.run_id == run.id:
        return False
    services.store.queue.add([FinishTemplate(database_id=database.id)])
    return True


def finish(services: Services, database_id: DatabaseId) -> None:
    """Seal a template whose run has ended well, so that it is the current one; drop another.

    Does nothing while a run holds it. May be killed anywhere and repeated.
    """
    with services.store.databases.exclusively(database_id) as database:
        last = services.store.migrations.last_of_database(database)
        is_held = services.store.leases.of(database_id) is not None
        is_over = database.state not in ENDED and last is not None and not is_held
        if is_over and database.state is DatabaseState.READY and last and last.is_good:
            _seal(services, database)
        elif is_over:
            _discard(services, database)
    retire_unused(services)  # also where an earlier try was killed before it


def unfinished(services: Services) -> list[FinishTemplate]:
    """A job for each template that no run holds any more, whatever became of who ended the run."""
    return [FinishTemplate(database_id=one.id) for one in services.store.databases.left_templates()]


def _seal(services: Services, database: Database) -> None:
    store = services.store
    credentials.close_all(services, store.job_logins.of_database(database.id))
    server, tenant = server_of(services, database), tenant_of(store, database)
    server.freeze(tenant)
    server.seal(tenant)
    store.databases.apply(database, partial(lifecycle.sealed, generation=database.generation))


def _discard(services: Services, database: Database) -> None:
    server_of(services, database).seal(tenant_of(services.store, database))
    discarded = partial(lifecycle.discarded, now=services.clock())
    drop = DropDatabase(database_id=database.id)
    services.store.databases.apply(database, discarded, then=[drop])

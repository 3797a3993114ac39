"""A run on the default branch makes a template: whether one is due, and what becomes of it."""

import logging
from dataclasses import dataclass
from datetime import timedelta
from functools import partial

from app.core import lifecycle
from app.core.assignments import Assignment
from app.core.databases import ENDED, Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import CoppiceError, ProvisioningFailed
from app.core.identifiers import DatabaseId
from app.core.intents import (
    DropDatabase,
    EnsureDatabase,
    FinishTemplate,
    RebuildDatabase,
    SealDatabase,
)
from app.core.migration_paths import may_change_migrations, may_change_seeds
from app.core.runs import Migration, MigrationResult, Run
from app.operations.databases.provisioning import intend_database, server_of, tenant_of
from app.operations.databases.templates import current_of, retire_unused
from app.operations.services import Services

_log = logging.getLogger(__name__)

_UNUSED_KEPT = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """Whether a run whose production was migrated makes a template."""

    why_not: str = ""
    """For a person; empty: it does."""
    is_afresh: bool = False
    """From empty: the seed may be another one, which a clone would never get."""


def due(services: Services, run: Run) -> Due:
    """Whether a template is due: there is none, or migrations or the seed may have changed.

    A person who starts the workflow by hand gets one of each commit. What GitHub cannot tell is
    taken for a change.
    """
    store = services.store
    current = current_of(store, store.apps.assignment(run.app_id))
    if current is None or current.migrated_sha is None:
        return Due()
    if current.migrated_sha == run.head_sha:
        return Due(why_not=f"{current.name} is of this commit.")
    last = store.migrations.last_of_database(current)
    maker = store.runs.get(last.run_id) if last else None
    is_same_seed = maker is not None and maker.seed_command == run.seed_command
    if not is_same_seed or run.event == "workflow_dispatch":
        return Due(is_afresh=True)
    repository = store.repositories.get(run.repository_id)
    if repository is None:
        return Due()
    try:
        found = services.github.changed_files(
            repository, base=current.migrated_sha, head=run.head_sha
        )
    except CoppiceError:
        found = None
    if found is None or may_change_seeds(found):
        return Due(is_afresh=True)
    is_same = maker is not None and maker.command == run.command
    if may_change_migrations(found) or not is_same:
        return Due()
    why = f"No migration has changed since {current.name}, so new databases go on from it."
    return Due(why_not=why)


def intend(services: Services, run: Run, assignment: Assignment) -> Due:
    """Have a template made, if one is due and none is in the making."""
    live = services.store.databases.live(run.app_id, Environment.TEMPLATE)
    if live is not None:
        _begin_again(services, run, live)
        return Due()
    found = due(services, run)
    if not found.why_not:
        new = intend_database(services, assignment, Environment.TEMPLATE, is_empty=found.is_afresh)
        services.store.queue.add([EnsureDatabase(database_id=new.id)])
    return found


def _begin_again(services: Services, run: Run, live: Database) -> None:
    """Empty the clone that an earlier run had made and never took, if the seed may be another."""
    is_untouched = services.store.migrations.last_of_database(live) is None
    if live.state is not DatabaseState.READY or live.cloned_from is None or not is_untouched:
        return
    if due(services, run).is_afresh:
        services.store.databases.apply_to(
            live.id,
            partial(lifecycle.afresh, generation=live.generation),
            unless_leased=True,
            then=[RebuildDatabase(database_id=live.id, generation=live.generation)],
        )


def needs_fresh(services: Services, run: Run, database: Database) -> bool:
    """Whether another run has been at this template; then it is had sealed or dropped first."""
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
        is_young = last is None and database.created_at >= services.clock() - _UNUSED_KEPT
        is_over = database.state not in ENDED and not is_held and not is_young
        # One that is good and not ready was closed on the way to its seal, and is set up once more.
        if is_over and (database.waits_for_person or not (last and _is_good(last))):
            _discard(services, database)
        elif is_over and database.state is DatabaseState.READY:
            _seal(services, database)
    retire_unused(services)  # also where an earlier try was killed before it


def unfinished(services: Services) -> list[FinishTemplate]:
    """A job for each template that no run holds any more, whatever became of who ended the run."""
    left = services.store.databases.left_templates(before=services.clock() - _UNUSED_KEPT)
    return [FinishTemplate(database_id=one.id) for one in left]


def _is_good(last: Migration) -> bool:
    """Whether it can be sealed; also where the seed command connected to nothing."""
    return last.result is MigrationResult.SUCCESS and last.has_ended_well


def _seal(services: Services, database: Database) -> None:
    """Seal it, or drop it where its server says that it cannot be made a template."""
    server, tenant = server_of(services, database), tenant_of(services.store, database)
    try:
        server.freeze(tenant)
    except ProvisioningFailed as error:
        _log.warning("The template %s is dropped: %s", database.name, error)
        _discard(services, database)
        return
    server.seal(tenant)
    sealed = partial(lifecycle.sealed, generation=database.generation)
    services.store.databases.apply(database, sealed)


def _discard(services: Services, database: Database) -> None:
    discarded = partial(lifecycle.discarded, now=services.clock())
    then = [SealDatabase(database_id=database.id), DropDatabase(database_id=database.id)]
    services.store.databases.apply(database, discarded, then=then)

"""A database that a job asked for and that is not ready: whatever it lacks is set going."""

from functools import partial

from app.core import lifecycle
from app.core.assignments import Assignment
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import BranchName
from app.core.intents import EnsureDatabase, ReconcileBranch
from app.operations.databases.provisioning import intend_database
from app.operations.services import Services
from app.store.store import Store


def set_going(
    services: Services,
    assignment: Assignment,
    environment: Environment,
    branch: BranchName | None,
) -> None:
    """Queue its creation, repair or restoration; does nothing while it is being created.

    Jobs ask every second: each answer leads to a state that the next one leaves alone, but for a
    deleted database, which only a look at GitHub restores.
    """
    present = services.store.databases.live(assignment.app.id, environment, branch)
    if present is None:
        _ensure(services, intend_database(services, assignment, environment, branch))
    elif present.state is DatabaseState.ERROR and not present.waits_for_person:
        _ensure(services, present)
    elif present.state is DatabaseState.DELETED:
        _restore(services.store, assignment, branch)


def _ensure(services: Services, database: Database) -> None:
    ensure = EnsureDatabase(database_id=database.id)
    again = partial(lifecycle.set_up_again, for_person=False, now=services.clock())
    services.store.databases.apply_to(database.id, again, then=[ensure])


def _restore(store: Store, assignment: Assignment, branch: BranchName | None) -> None:
    repository = store.repositories.get(assignment.app.repository_id)
    if repository is None:
        return
    # Preview and production stand with the default branch.
    wanted = branch or repository.default_branch
    store.queue.add([ReconcileBranch(repository_id=repository.id, branch=wanted)])

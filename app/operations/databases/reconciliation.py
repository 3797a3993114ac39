"""Whole repositories: what webhooks should have told, read from GitHub."""

from collections.abc import Collection, Iterable
from functools import partial

from app.core import lifecycle
from app.core.assignments import Assignment
from app.core.databases import Closing, Database, DatabaseState
from app.core.decisions import shared_environments
from app.core.environments import Environment
from app.core.identifiers import BranchName, RepositoryId
from app.core.intents import EnsureDatabase, Intent, ReconcileBranch, RestoreDatabase
from app.core.reasons import is_provisioned
from app.core.repositories import InstallationState, Repository
from app.core.sweeping import sweep
from app.operations.checks import heads
from app.operations.databases.installations import close_repository, find_again
from app.operations.databases.provisioning import intend_database
from app.operations.databases.retention import close_database
from app.operations.services import Services
from app.store.store import Store


def reconcile_repository(services: Services, repository_id: RepositoryId) -> None:
    """Bring names, default branch, pull requests and every database up to GitHub's live state.

    A repository that is not where it was is looked for before anything is closed. Raises
    GitHubUnavailable rather than act on a failing or partial answer.
    """
    stored = services.store.repositories.get(repository_id)
    if stored is None:
        return
    live = _live(services, stored)
    if live is None:
        close_repository(services, stored)
        return
    services.store.repositories.save(live)
    if not live.is_active:
        return
    asked_at = services.clock()
    found = services.github.branches(live)
    branches = {branch.name for branch in found}
    heads.count_all(services.store, live, found, before=asked_at)
    services.store.repositories.replace_open_pull_requests(
        live.id, services.github.open_pull_requests(live)
    )
    intents: list[Intent] = []
    for assignment in services.store.apps.assignments(repository_id=live.id):
        intents += _reconcile_app(services, live, assignment, branches)
    services.store.queue.add(intents)


def _live(services: Services, stored: Repository) -> Repository | None:
    """The repository as it is now; None when the App sees it no more."""
    is_ours = stored.installation_state is InstallationState.ACTIVE
    if is_ours and stored.installation_id is not None:
        live = services.github.repository(stored.installation_id, stored.full_name)
        # Anybody may read a public repository: with another owner it needs an installation there.
        if live and (live.id, live.owner_id) == (stored.id, stored.owner_id):
            return live
    return find_again(services, stored)


def _reconcile_app(
    services: Services, repository: Repository, assignment: Assignment, branches: set[BranchName]
) -> list[Intent]:
    app = assignment.app.id
    databases = [one for one in services.store.databases.all(app_id=app) if one.is_live]
    wanted = _wanted_branches(services.store, repository, assignment, branches, databases)
    intents = _shared_databases(services, assignment)
    now = services.clock()
    found = sweep(databases, branches=branches, default_branch=repository.default_branch, now=now)
    for database in found.mark_missing:
        services.store.databases.apply_to(database.id, partial(lifecycle.branch_missing, now=now))
    for database in found.unmark:
        services.store.databases.apply_to(database.id, lifecycle.branch_seen)
    for database in found.delete:
        if not _is_there(services, repository, database.branch):
            close_database(services, database.id, because=_reason(repository, database.branch))
    comebacks = _comebacks(databases, branches - {repository.default_branch} - wanted)
    intents += [intent for intent in comebacks if intent not in intents]
    return intents + [
        ReconcileBranch(repository_id=repository.id, branch=branch) for branch in sorted(wanted)
    ]


def _reason(repository: Repository, branch: BranchName | None) -> Closing:
    is_default = branch == repository.default_branch
    return Closing.BECAME_DEFAULT if is_default else Closing.BRANCH_DELETED


def _comebacks(databases: Iterable[Database], settled: Collection[BranchName]) -> list[Intent]:
    """What was closed because access ended comes back, also what would not be made anew today."""
    return [
        RestoreDatabase(database_id=one.id)
        for one in databases
        if one.closed_because is Closing.ACCESS_ENDED
        and (one.branch is None or one.branch in settled)
        and one.environment is not Environment.SHADOW  # goes with `dev`
    ]


def _wanted_branches(
    store: Store,
    repository: Repository,
    assignment: Assignment,
    branches: set[BranchName],
    databases: list[Database],
) -> set[BranchName]:
    """Branches that should have a ready database and have none.

    When the app is new, branches without a pull request are left alone until somebody pushes.
    """
    app = assignment.app.id
    with_pull_request = {
        pull_request.head_branch
        for pull_request in store.repositories.open_pull_requests(repository.id)
        if not pull_request.is_from_fork
    }
    provisioned = {
        branch
        for branch in branches
        if is_provisioned(
            branch,
            default_branch=repository.default_branch,
            ignore_patterns=assignment.policies.ignore_patterns,
        )
    }
    settled = {
        one.branch
        for one in databases
        if one.state is DatabaseState.READY or one.is_deleted_by_hand
    }
    known = {one.branch for one in databases if one.branch is not None}
    store.dormant_branches.begin(app, provisioned - with_pull_request)
    store.dormant_branches.keep_only(app, branches - known)
    dormant = store.dormant_branches.of_app(app) - with_pull_request
    return provisioned - dormant - settled


def _is_there(services: Services, repository: Repository, branch: BranchName | None) -> bool:
    """A last look before a branch's database is closed: the list may be old by now."""
    if branch is None or branch == repository.default_branch:
        return False
    return services.github.branch(repository, branch) is not None


def _shared_databases(services: Services, assignment: Assignment) -> list[Intent]:
    intents: list[Intent] = []
    for environment in shared_environments(assignment):
        database = intend_database(services, assignment, environment)
        if database.is_deleted_by_hand:
            continue
        if database.state is DatabaseState.DELETED:
            intents.append(RestoreDatabase(database_id=database.id))
        elif database.state is not DatabaseState.READY:
            intents.append(EnsureDatabase(database_id=database.id))
    return intents

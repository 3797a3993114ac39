"""One branch: its databases become what GitHub's live state says they should be."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace

from app.core import lifecycle
from app.core.assignments import Assignment
from app.core.databases import Closing, Database, DatabaseState
from app.core.decisions import environments_of_branch
from app.core.environments import Environment
from app.core.errors import Conflict, ProvisioningFailed
from app.core.hosts import NotHere
from app.core.identifiers import BranchName, CommitSha, RepositoryId
from app.core.lifecycle import Comeback, restore_or_fresh
from app.core.repositories import Ancestry, Branch, Repository
from app.operations.checks import heads
from app.operations.databases.provisioning import ensure_database, intend_database, report_database
from app.operations.databases.retention import close_database, restore_database, retire_database
from app.operations.services import Services
from app.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    """Where a live branch has, or should have, a database."""

    assignment: Assignment
    environment: Environment
    live: Branch

    @property
    def branch(self) -> BranchName | None:
        return self.live.name if self.environment is Environment.BRANCH else None


def reconcile_branch(
    services: Services,
    *,
    repository_id: RepositoryId,
    branch: BranchName,
    head_sha: CommitSha | None = None,
) -> None:
    """Make, restore or delete the databases of a branch after looking at GitHub.

    What happened is said by the `database` check of the branch's head, and of `head_sha` if that is
    another commit. Raises GitHubUnavailable rather than guess.
    """
    repository = services.store.repositories.get(repository_id)
    if repository is None or not repository.is_active:
        return
    assignments = services.store.apps.assignments(repository_id=repository_id)
    if not assignments:
        return
    asked_at = services.clock()
    live = services.github.branch(repository, branch)
    heads.count_branch(services.store, repository, branch, live, before=asked_at)
    if live is not None:
        _grow_all(services, repository, assignments, live, head_sha=head_sha)
    elif head_sha is None:
        # To tell a commit something is no reason to close what a person restored; that the branch
        # is gone is told, or swept, without a commit.
        for assignment in assignments:
            _cut(services, assignment, branch)


def _grow_all(
    services: Services,
    repository: Repository,
    assignments: Sequence[Assignment],
    live: Branch,
    *,
    head_sha: CommitSha | None,
) -> None:
    """Raises NotHere when all is done that can be done here: another machine goes on."""
    away: NotHere | None = None
    for assignment in assignments:
        for environment in environments_of_branch(live.name, repository, assignment):
            place = _Context(assignment=assignment, environment=environment, live=live)
            try:
                _grow(services, repository, place, head_sha=head_sha)
            except NotHere as error:
                away = error
    if away is not None:
        raise away


def _grow(
    services: Services, repository: Repository, place: _Context, *, head_sha: CommitSha | None
) -> None:
    before = _present(services.store, place)
    try:
        database = _database(services, repository, place)
        if database.missing_since is not None:
            services.store.databases.apply_to(database.id, lifecycle.branch_seen)
        ensure_database(services, database.id)
    except ProvisioningFailed as error:
        _tell_of_refusal(services.store, place, error, _known(head_sha, place.live.head_sha))
    finally:
        is_news = before is None or before.state is not DatabaseState.READY
        _tell(
            services.store,
            repository,
            place,
            _known(head_sha, place.live.head_sha if is_news else None),
        )


def _database(services: Services, repository: Repository, place: _Context) -> Database:
    """The database that should be there now, in whatever state it is.

    A deleted one is restored when the branch goes on where it was; otherwise it is kept aside under
    another name, and a fresh one is intended. Raises GitHubUnavailable when that cannot be known.
    """
    present = _present(services.store, place)
    if present is not None and present.state is DatabaseState.DELETED:
        ancestry = _ancestry(services, repository, present, place.live)
        if restore_or_fresh(present, ancestry=ancestry, now=services.clock()) is Comeback.RESTORE:
            with suppress(Conflict):  # restored or dropped by somebody else meanwhile
                return restore_database(services, present.id)
        else:
            retire_database(services, present.id)
        present = _present(services.store, place)
    return present or intend_database(services, place.assignment, place.environment, place.branch)


def _cut(services: Services, assignment: Assignment, branch: BranchName) -> None:
    database = services.store.databases.live(assignment.app.id, Environment.BRANCH, branch)
    if database is not None:
        close_database(services, database.id, because=Closing.BRANCH_DELETED)


def _tell(
    store: Store, repository: Repository, place: _Context, heads: Collection[CommitSha]
) -> None:
    """Report the place's database, or a failed one that goes with it: they share a check."""
    if not heads:
        return
    environments = environments_of_branch(place.live.name, repository, place.assignment)
    together = [_present(store, replace(place, environment=each)) for each in environments]
    failed = [one for one in together if one and one.state is DatabaseState.ERROR]
    database = failed[0] if failed else _present(store, place)
    if database is None:
        return
    for head_sha in heads:
        report_database(store, place.assignment, database, head_sha)


def _tell_of_refusal(
    store: Store, place: _Context, error: ProvisioningFailed, heads: Collection[CommitSha]
) -> None:
    """A deleted database stays as it is: the next look at the branch tries again."""
    database = _present(store, place)
    if database is None:
        return
    reason = f"{error} {error.advice}"
    refused = replace(database, state=DatabaseState.ERROR, reason=reason, is_frozen=False)
    for head_sha in heads:
        report_database(store, place.assignment, refused, head_sha)


def _known(*heads: CommitSha | None) -> set[CommitSha]:
    return {head_sha for head_sha in heads if head_sha is not None}


def _present(store: Store, place: _Context) -> Database | None:
    return store.databases.live(place.assignment.app.id, place.environment, place.branch)


def _ancestry(
    services: Services, repository: Repository, database: Database, live: Branch
) -> Ancestry:
    if database.migrated_sha is None or database.environment is not Environment.BRANCH:
        return Ancestry.UNKNOWN
    return services.github.compare(repository, base=database.migrated_sha, head=live.head_sha)

"""Whether a run comes too late: a newer commit of a living branch was migrated already."""

from app.core.databases import Database
from app.core.environments import Environment
from app.core.errors import GitHubUnavailable
from app.core.identifiers import BranchName, CommitSha
from app.core.repositories import Ancestry, Repository
from app.core.runs import Run, is_passed_over
from app.operations.services import Services


def is_superseded(services: Services, run: Run, database: Database) -> bool:
    """Whether the run is passed over on this database; what GitHub cannot tell runs.

    Raises GitHubUnavailable for production, which waits until it is known.
    """
    if database.migrated_sha is None or database.migrated_sha == run.head_sha:
        return False
    repository = services.store.repositories.get(run.repository_id)
    if repository is None:
        return False
    try:
        return _is_passed_over(services, repository, run, database, database.migrated_sha)
    except GitHubUnavailable:
        if database.environment is Environment.PRODUCTION:
            raise
        return False


def _is_passed_over(
    services: Services, repository: Repository, run: Run, database: Database, newer: CommitSha
) -> bool:
    ancestry = services.github.compare(repository, base=newer, head=run.head_sha)
    if not is_passed_over(ancestry, is_live_head=False, is_newer_alive=True):
        return False  # as nearly always, without more questions to GitHub
    is_live_head = _is_live_head(services, repository, run)
    return is_passed_over(
        ancestry,
        is_live_head=is_live_head,
        is_newer_alive=is_live_head and _is_alive(services, repository, database, newer),
    )


def _is_live_head(services: Services, repository: Repository, run: Run) -> bool:
    """Whether the run's commit is what its branch points to at GitHub now."""
    name = run.source_branch or run.branch
    live = services.github.branch(repository, name) if name else None
    return live is not None and live.head_sha == run.head_sha


def _is_alive(
    services: Services, repository: Repository, database: Database, commit: CommitSha
) -> bool:
    """Whether a shared database's commit is part of the branch that brought it, or was merged.

    Other databases have one branch, whose head alone counts.
    """
    if database.environment is not Environment.PREVIEW:
        return False
    brought_by = services.store.migrations.branches_of(database.id, commit)
    names = dict.fromkeys([*brought_by, repository.default_branch])
    return any(_holds(services, repository, name, commit) for name in names)


def _holds(services: Services, repository: Repository, name: BranchName, commit: CommitSha) -> bool:
    live = services.github.branch(repository, name)
    if live is None:
        return False
    ancestry = services.github.compare(repository, base=commit, head=live.head_sha)
    return ancestry in {Ancestry.IDENTICAL, Ancestry.AHEAD}

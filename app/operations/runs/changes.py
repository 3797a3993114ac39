"""Which files a run's commit changed: the Action finds the statements of a trace in them."""

from app.core.environments import Environment
from app.core.identifiers import BranchName, CommitSha, RunId
from app.core.repositories import ChangedFiles, Repository
from app.core.runs import Run
from app.operations.runs.beginning import own_run
from app.operations.services import Services
from app.store.store import Store


def changed_files(services: Services, token: str, run_id: RunId) -> ChangedFiles:
    """What a branch has changed; on the default one, what production has not been migrated to.

    Nothing where there is nothing to compare with. Raises GitHubUnavailable.
    """
    run, _ = own_run(services, token, run_id)
    repository = services.store.repositories.get(run.repository_id)
    base = _base(services.store, run, repository) if repository else None
    if repository is None or base is None:
        return ChangedFiles()
    found = services.github.changed_files(repository, base=base, head=run.head_sha)
    return found or ChangedFiles()


def _base(store: Store, run: Run, repository: Repository) -> BranchName | CommitSha | None:
    if run.source_branch != repository.default_branch:
        return repository.default_branch
    production = store.databases.live(run.app_id, Environment.PRODUCTION, None)
    return production.migrated_sha if production else None

"""Where the App is installed: what it sees there is looked after, what was taken from it closed."""

from dataclasses import replace

from app.core.databases import Closing, DatabaseState
from app.core.errors import Forbidden, GitHubUnavailable
from app.core.identifiers import InstallationId
from app.core.intents import ReconcileRepository
from app.core.repositories import InstallationState, Repository
from app.operations.databases.retention import close_database
from app.operations.services import Services
from app.store.store import Store

IN_USE = {DatabaseState.CREATING, DatabaseState.READY, DatabaseState.ERROR}


def reconcile_installation(services: Services, installation_id: InstallationId) -> None:
    """Look at what an installation sees; reconcile these, and close what was taken from it.

    Raises GitHubUnavailable rather than take a failing or contradictory answer for a loss.
    """
    stored = services.store.repositories.all(installation_id=installation_id)
    seen = _seen(services, installation_id)
    if seen is None:
        active = [one.id for one in stored if one.installation_state is InstallationState.ACTIVE]
        services.store.repositories.set_installation_state(active, InstallationState.SUSPENDED)
        return
    known = {repository.id for repository in services.store.repositories.all()}
    for repository in seen:
        if repository.id in known:
            _take_up(services.store, repository)
    visible = {repository.id for repository in seen}
    for lost in stored:
        if lost.id not in visible:
            found = _elsewhere(services, lost)
            if found is None:
                close_repository(services, lost)
            else:
                _take_up(services.store, found)


def find_again(services: Services, stored: Repository) -> Repository | None:
    """A repository that is not where it was, as it is now; None when the App sees it no more.

    Raises GitHubUnavailable when GitHub contradicts itself.
    """
    if stored.installation_id is None:
        return _elsewhere(services, stored)
    seen = _seen(services, stored.installation_id)
    if seen is None:
        is_removed = stored.installation_state is InstallationState.REMOVED
        return (
            None if is_removed else replace(stored, installation_state=InstallationState.SUSPENDED)
        )
    listed = [repository for repository in seen if repository.id == stored.id]
    return listed[0] if listed else _elsewhere(services, stored)


def close_repository(services: Services, repository: Repository) -> None:
    """The App was taken from a repository: refuse its databases' logins at once.

    Branch and preview databases are dropped after the retention time, production never. Raises
    Forbidden when it was another App that saw the repository: then its absence means nothing.
    """
    if services.store.repositories.was_seen_by_another_app(repository.id):
        raise Forbidden(
            f"This service has the credentials of another GitHub App than the one that was"
            f" installed for {repository.full_name}.",
            advice="Put COPPICE_GITHUB_APP_ID and its key back, or install the new App there.",
            code="other_github_app",
        )
    services.store.repositories.set_installation_state([repository.id], InstallationState.REMOVED)
    for assignment in services.store.apps.assignments(repository_id=repository.id):
        for database in services.store.databases.all(app_id=assignment.app.id):
            if database.state in IN_USE and database.is_live:
                close_database(services, database.id, because=Closing.ACCESS_ENDED)


def _seen(services: Services, installation_id: InstallationId) -> list[Repository] | None:
    """What it sees, nothing if it was removed; None while it is suspended."""
    match services.github.installation_state(installation_id):
        case InstallationState.SUSPENDED:
            return None
        case InstallationState.ACTIVE:
            return list(services.github.installation_repositories(installation_id) or ())
        case InstallationState.REMOVED:
            # A 404 alone could be a fault: the list of all that there are must agree.
            if installation_id in {each for each, _ in services.github.installations()}:
                raise GitHubUnavailable("GitHub lists an installation that it does not show.")
            return []


def _elsewhere(services: Services, stored: Repository) -> Repository | None:
    """The repository in another installation, as after a transfer."""
    owner, _, name = stored.full_name.partition("/")
    installation_id = services.github.installation_of(owner, name)
    if installation_id is None:
        return None
    live = services.github.repository(installation_id, stored.full_name)
    if live is None or (live.id, installation_id) == (stored.id, stored.installation_id):
        raise GitHubUnavailable("GitHub's answers about an installation contradict each other.")
    # Another repository may have taken the name of one that was deleted.
    return live if live.id == stored.id else None


def _take_up(store: Store, repository: Repository) -> None:
    store.repositories.save(repository, then=[ReconcileRepository(repository_id=repository.id)])

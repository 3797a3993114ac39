"""Apps of which the actor may know, also those whose assignment has ended."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.assignments import App, Assignment
from app.core.databases import Database
from app.core.errors import NotFound
from app.core.identifiers import AppId
from app.core.instances import Instance
from app.core.people import Act, Wanted
from app.core.repositories import Repository
from app.operations.administration.assigned import Assigned
from app.operations.services import Services
from app.web.identity import require


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownApp:
    """An app; without an assignment it may still have databases."""

    app: App
    repository: Repository
    assignment: Assignment | None
    instance: Instance | None

    @classmethod
    def of(cls, assigned: Assigned) -> "KnownApp":
        return cls(
            app=assigned.assignment.app,
            repository=assigned.repository,
            assignment=assigned.assignment,
            instance=assigned.instance,
        )


def no_app(app_id: AppId) -> NotFound:
    """It is not there, or the actor may not know that it is."""
    return NotFound(
        f"There is no app {app_id}.",
        advice="The list of apps shows those that you may see (`coppice apps list`).",
    )


def known_app(services: Services, app_id: AppId, act: Act = Act.SEE) -> KnownApp:
    """The app, if the actor may do this with it. Raises NotFound, Forbidden."""
    app = services.store.apps.get(app_id)
    repository = services.store.repositories.get(app.repository_id) if app else None
    missing = no_app(app_id)
    if app is None or repository is None:
        raise missing
    try:
        require(services, repository, Wanted(act=act, app_id=app.id))
    except NotFound:
        raise missing from None
    assignment = services.store.apps.assignment(app.id)
    instance = services.store.instances.get(assignment.instance_id) if assignment else None
    return KnownApp(app=app, repository=repository, assignment=assignment, instance=instance)


def of_known_apps(
    services: Services, databases: Sequence[Database], *, full_name: str | None = None
) -> list[Database]:
    """Those of the databases whose app the actor may see; with a name only that repository's."""
    apps = services.store.apps.known({one.app_id for one in databases})
    repositories = services.store.repositories.known({app.repository_id for app in apps.values()})
    seen = {
        app.id
        for app in apps.values()
        if (repository := repositories.get(app.repository_id)) is not None
        and (full_name is None or full_name.lower() == repository.full_name.lower())
        and _is_seen(services, app, repository)
    }
    return [one for one in databases if one.app_id in seen]


def _is_seen(services: Services, app: App, repository: Repository) -> bool:
    try:
        require(services, repository, Wanted(act=Act.SEE, app_id=app.id))
    except NotFound:
        return False
    return True

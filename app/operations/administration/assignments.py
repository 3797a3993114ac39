"""Assignments: which repository has its databases on which instance, and by what rules."""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from app.core.assignments import App, Assignment, Policies
from app.core.audit import AuditEvent
from app.core.errors import Conflict, CoppiceError, GitHubUnavailable, Invalid, NotFound
from app.core.identifiers import AppId
from app.core.instances import Instance
from app.core.intents import ReconcileRepository
from app.core.people import Manage, See
from app.core.repositories import Repository
from app.operations.access import Permitted, ToAssign
from app.operations.administration.policies import check_extensions, check_policies
from app.operations.apps import Assigned
from app.operations.services import Services
from app.store.store import Store

_APP_ID = re.compile(r"[a-z0-9]{2,16}")
_TRIES = 5


def assign(
    services: Services,
    what: Permitted[ToAssign, Manage],
    where: Permitted[Instance, See],
    *,
    migration_command: str,
    policies: Policies,
) -> Assigned:
    """Give a repository databases on an instance; a worker makes them.

    Raises:
        Conflict: The app is assigned already, or has databases on another instance.
        Invalid: The instance's server does not have an extension that is asked for.
    """
    check_policies(policies)
    repository, app_id, instance = what.subject.repository, what.subject.app_id, where.subject
    if app_id is not None and not _APP_ID.fullmatch(app_id):
        raise Invalid("This is not an app id.", advice="Use 2 to 16 lower case letters and digits.")
    check_extensions(services, instance, policies.extensions)
    services.store.repositories.save(repository)
    app = _app(services, repository, app_id)
    _refuse_elsewhere(services.store, app, instance)
    assignment = Assignment(
        app=app,
        instance_id=instance.id,
        migration_command=migration_command.strip(),
        policies=policies,
    )
    then = [ReconcileRepository(repository_id=repository.id)]
    if not services.store.apps.assign(assignment, then=then):
        raise _assigned_already(
            services.store, services.store.apps.assignment(app.id) or assignment
        )
    services.record(AuditEvent.APPS_ASSIGN, app.id, detail=f"{repository.full_name}")
    return Assigned(app=app, assignment=assignment, repository=repository, instance=instance)


def edit(
    services: Services,
    permitted: Permitted[Assigned, Manage],
    *,
    migration_command: str | None = None,
    policies: Policies | None = None,
) -> Assignment:
    """Change what is given; databases that the new rules ask for are made by a worker."""
    assignment = permitted.subject.assignment
    changed = replace(
        assignment,
        migration_command=(
            assignment.migration_command if migration_command is None else migration_command.strip()
        ),
        policies=policies or assignment.policies,
    )
    check_policies(changed.policies)
    # Those that were there are no reason to refuse another change while the server is away.
    added = set(changed.policies.extensions) - set(assignment.policies.extensions)
    check_extensions(services, permitted.subject.instance, sorted(added))
    then = [ReconcileRepository(repository_id=assignment.app.repository_id)]
    if not services.store.apps.edit(changed, then=then):
        raise NotFound(f"The app {assignment.app.id} is not assigned any more.")
    services.record(AuditEvent.APPS_EDIT, assignment.app.id)
    return changed


def remove(services: Services, permitted: Permitted[Assigned, Manage]) -> None:
    """End the assignment; the databases stay on the instance."""
    app_id = permitted.subject.app.id
    services.store.apps.remove(app_id)
    services.record(AuditEvent.APPS_REMOVE, app_id)


def _app(services: Services, repository: Repository, wanted: AppId | None) -> App:
    """The app to assign: the one that is named, the repository's free one, or a new one."""
    for _ in range(_TRIES):
        present = services.store.apps.of_repository(repository.id)
        app = _present_app(services.store, present, wanted)
        if app is not None:
            return app
        app = App(
            id=wanted or AppId(services.new_token()[:6]),
            repository_id=repository.id,
            has_bare_checks=not present,
        )
        try:
            services.store.apps.add(app)
        except Conflict:
            if wanted is not None:
                raise
            continue
        return app
    raise Conflict("No free app id was found.", advice="Try it again, or choose an app id.")


def _present_app(store: Store, present: Sequence[App], wanted: AppId | None) -> App | None:
    candidates = [app for app in present if wanted is None or app.id == wanted]
    if len(candidates) > 1:
        names = ", ".join(app.id for app in candidates)
        raise Invalid(
            f"The repository has several apps: {names}.",
            advice="Say which app id is meant (--app-id); another one makes another app.",
        )
    if not candidates:
        return None
    app = candidates[0]
    assignment = store.apps.assignment(app.id)
    if assignment is not None:
        raise _assigned_already(store, assignment)
    return app


def _assigned_already(store: Store, assignment: Assignment) -> Conflict:
    instance = store.instances.get(assignment.instance_id)
    return Conflict(
        f"The app {assignment.app.id} is assigned to {instance.name} already.",
        advice=(
            "Edit it (`coppice apps edit`), Remove it (`coppice apps remove`), or give a new app id"
            " (--app-id) for another part of the repository."
        ),
    )


def _refuse_elsewhere(store: Store, app: App, instance: Instance) -> None:
    """An app's databases are not left behind by accident: their data would seem lost."""
    for database in store.databases.all(app_id=app.id):
        if database.is_live and database.instance_id != instance.id:
            other = store.instances.get(database.instance_id)
            raise Conflict(
                f"The app {app.id} has databases on {other.name}, {database.name} among them.",
                advice=(
                    f"Assign it to {other.name} again, Drop them (`coppice databases delete"
                    " --now`), or give a new app id (--app-id)."
                ),
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryChoices:
    """Full names, in the order of the alphabet."""

    free: Sequence[str]
    """Of repositories without an app."""
    taken: Sequence[str]
    """Of those that have one: they can get a further one."""
    is_whole: bool
    """False: GitHub did not answer, or not in time, so that some are missing."""


def repository_choices(services: Services) -> RepositoryChoices:
    """All that the App sees at GitHub now, and those that were heard of while GitHub is silent.

    A suspended installation has none, and an archived repository is none.
    """
    live, is_whole = _live(services)
    found = live if is_whole else [*live, *services.store.repositories.all()]
    taken = {one.app.repository_id for one in services.store.apps.assignments()}
    active = {one.id: one for one in found if one.is_active}.values()
    return RepositoryChoices(
        free=sorted(one.full_name for one in active if one.id not in taken),
        taken=sorted(one.full_name for one in active if one.id in taken),
        is_whole=is_whole,
    )


def _live(services: Services) -> tuple[list[Repository], bool]:
    found: list[Repository] = []
    try:
        for installation_id, _ in services.github.installations():
            try:
                found += services.github.installation_repositories(installation_id) or ()
            except GitHubUnavailable:
                raise
            except CoppiceError:
                continue  # suspended
    except CoppiceError:
        return found, False
    return found, True

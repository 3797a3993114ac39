"""Assignments together with what they refer to."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.assignments import App, Assignment
from app.core.errors import NotFound
from app.core.identifiers import AppId
from app.core.instances import Instance
from app.core.repositories import Repository
from app.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """An app with what it belongs to."""

    assignment: Assignment
    repository: Repository
    instance: Instance


def id_to_say(store: Store, app: App) -> AppId | None:
    """The app's id where a command has to name it: its repository has several."""
    assigned = store.apps.assignments(repository_id=app.repository_id)
    return app.id if len(assigned) > 1 else None


def described(store: Store, assignment: Assignment) -> Assigned:
    """An assignment with its repository and instance."""
    [found] = all_described(store, [assignment])
    return found


def all_described(store: Store, assignments: Sequence[Assignment]) -> list[Assigned]:
    """The same of several, read together."""
    repositories = store.repositories.known({one.app.repository_id for one in assignments})
    instances = store.instances.known({one.instance_id for one in assignments})
    found = []
    for one in assignments:
        repository = repositories.get(one.app.repository_id)
        if repository is None:
            raise NotFound(f"The repository of app {one.app.id} is not known.")
        if one.instance_id not in instances:
            raise NotFound(f"The instance of app {one.app.id} is not there any more.")
        instance = instances[one.instance_id]
        found.append(Assigned(assignment=one, repository=repository, instance=instance))
    return found

"""Apps together with what they belong to, and where their databases are."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.assignments import App, Assignment
from app.core.environments import Environment
from app.core.errors import Invalid, NotFound
from app.core.identifiers import AppId, BranchName
from app.core.instances import Instance
from app.core.repositories import Repository
from app.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownApp:
    """An app with what it belongs to; without an assignment it may still have databases."""

    app: App
    repository: Repository
    assignment: Assignment | None = None
    instance: Instance | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned(KnownApp):
    """An app that is assigned."""

    assignment: Assignment
    instance: Instance


@dataclass(frozen=True, slots=True, kw_only=True)
class Location:
    """Which database of an app is meant, whether it is there or not."""

    assigned: Assigned
    environment: Environment
    branch: BranchName | None = None


def id_to_say(store: Store, app: App) -> AppId | None:
    """The app's id where a command has to name it: its repository has several."""
    assigned = store.apps.assignments(repository_id=app.repository_id)
    return app.id if len(assigned) > 1 else None


def all_assigned(store: Store, assignments: Sequence[Assignment]) -> list[Assigned]:
    """Assignments with what they refer to, read together, whoever may see them."""
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
        found.append(
            Assigned(app=one.app, assignment=one, repository=repository, instance=instance)
        )
    return found


def location_of(assigned: Assigned, *, branch: str | None, environment: str | None) -> Location:
    """What people name by a branch, by an environment, or by neither: `dev`. Raises Invalid."""
    if branch is not None and environment not in (None, Environment.BRANCH):
        raise Invalid("A branch and another environment exclude each other.")
    if branch is None:
        found = Environment(environment) if environment else Environment.DEV
        if found is Environment.BRANCH:
            raise Invalid("Say which branch.", advice="Name the branch (--branch NAME).")
        return Location(assigned=assigned, environment=found)
    if branch == assigned.repository.default_branch:
        raise Invalid(
            f"{branch} is the default branch: its database is production.",
            advice="Use that one (--environment production) if it is what you mean.",
        )
    return Location(assigned=assigned, environment=Environment.BRANCH, branch=BranchName(branch))

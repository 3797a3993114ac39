"""Assignments together with what they refer to."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from app.core.assignments import Assignment
from app.core.errors import NotFound
from app.core.instances import Instance
from app.core.repositories import Repository
from app.operations.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class Assigned:
    """An app with what it belongs to."""

    assignment: Assignment
    repository: Repository
    instance: Instance


def described(services: Services, assignment: Assignment) -> Assigned:
    """An assignment with its repository and instance."""
    [found] = all_described(services, [assignment])
    return found


def all_described(services: Services, assignments: Sequence[Assignment]) -> list[Assigned]:
    """The same of several; each repository and each instance is read once."""
    repository_of, instance_of = cache(services.repositories.get), cache(services.instances.get)
    found = []
    for one in assignments:
        repository = repository_of(one.app.repository_id)
        if repository is None:
            raise NotFound(f"The repository of app {one.app.id} is not known.")
        instance = instance_of(one.instance_id)
        found.append(Assigned(assignment=one, repository=repository, instance=instance))
    return found

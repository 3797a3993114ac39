"""Repositories from which an operator chooses the one to assign."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.errors import CoppiceError, GitHubUnavailable
from app.core.repositories import Repository
from app.operations.services import Services


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
    found = live if is_whole else [*live, *services.repositories.all()]
    taken = {one.app.repository_id for one in services.apps.assignments()}
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

"""Databases that could be there and are not: what the page of an app offers to create."""

from collections.abc import Sequence

from app.core.databases import Database
from app.core.decisions import shared_environments
from app.core.environments import Environment
from app.core.identifiers import BranchName
from app.core.reasons import is_provisioned
from app.web.known_apps import KnownApp


def environments(found: KnownApp, databases: Sequence[Database]) -> list[Environment]:
    """Of those that every app has, the ones without a database of this app's."""
    if found.assignment is None:
        return []
    there = {one.environment for one in databases if one.is_live}
    return [one for one in shared_environments(found.assignment) if one not in there]


def may_have_one(found: KnownApp, branch: BranchName) -> bool:
    """Whether a branch of the repository itself gets a database."""
    return found.assignment is not None and is_provisioned(
        branch,
        default_branch=found.repository.default_branch,
        ignore_patterns=found.assignment.policies.ignore_patterns,
    )

"""Open pull requests, each with the database of its head."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.databases import Database
from app.core.repositories import PullRequest, Repository
from app.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Head:
    """A pull request as last heard of."""

    pull_request: PullRequest
    database: Database | None
    """None: a fork, an ignored branch, or one whose database is not there (any more)."""


def open_heads(store: Store, repository: Repository, databases: Sequence[Database]) -> list[Head]:
    """The repository's open pull requests by number, with those of an app's databases."""
    by_branch = {one.branch: one for one in databases if one.branch is not None and one.is_live}
    return [
        Head(
            pull_request=pull,
            database=None if pull.is_from_fork else by_branch.get(pull.head_branch),
        )
        for pull in store.repositories.open_pull_requests(repository.id)
    ]

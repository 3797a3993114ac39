"""Whose result counts on a commit: that of each live branch whose head it is."""

from collections.abc import Iterable
from datetime import datetime

from app.core.identifiers import BranchName
from app.core.repositories import Branch, Repository
from app.store.store import Store

_OF_NO_BRANCH = BranchName("")


def count_branch(
    store: Store,
    repository: Repository,
    name: BranchName,
    live: Branch | None,
    *,
    before: datetime,
) -> None:
    """A branch that moved on, or is gone, says nothing any more where it was.

    Args:
        live: As GitHub told it after `before`; None: there is none.
    """
    names = [name, *([_OF_NO_BRANCH] if name == repository.default_branch else [])]
    store.checks.end_votes(
        repository.id,
        {each: live.head_sha for each in names} if live else {},
        only=names,
        before=before,
    )


def count_all(
    store: Store, repository: Repository, found: Iterable[Branch], *, before: datetime
) -> None:
    """The same for every branch of the repository, by its whole list."""
    heads = {branch.name: branch.head_sha for branch in found}
    if repository.default_branch in heads:
        heads[_OF_NO_BRANCH] = heads[repository.default_branch]
        store.checks.end_votes(repository.id, heads, before=before)

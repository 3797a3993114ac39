"""Branches that were made again: whoever goes on where he was finds his data."""

from collections.abc import Iterator, Mapping, Sequence

from chaos.history import Change
from chaos.ledger import Deed
from demo.github.git import GitRepository
from demo.github.model import Repository

# So long before it acts the service may have read a branch's head.
_READ_SECONDS = 30.0


def wrongly_set_aside(
    repositories: Mapping[str, Repository], changes: Sequence[Change], deeds: Sequence[Deed]
) -> Iterator[str]:
    """Databases that made room for a fresh one although their branch went on where it was.

    Only where that holds for every head that the service can have seen.
    """
    for change in changes:
        is_kept = change.new["state"] == "deleted"
        was_set_aside = change.old.get("is_live") and not change.new["is_live"]
        migrated = change.new["migrated_sha"]
        if not (was_set_aside and is_kept and migrated and change.place.branch):
            continue
        git = repositories[change.place.app].git
        heads = _heads(change, deeds)
        if heads and all(_descends(git, head, migrated) for head in heads):
            yield (
                f"{change.place} (row {change.new['id']}) was set aside although its branch went"
                f" on from {migrated}, which was migrated there"
            )


def _heads(change: Change, deeds: Sequence[Deed]) -> list[str]:
    moves = [
        deed
        for deed in deeds
        if deed.head and deed.place == change.place and deed.at <= change.at + 1
    ]
    since = change.at - _READ_SECONDS
    before = [deed for deed in moves if deed.at <= since]
    return [deed.head for deed in (*before[-1:], *(one for one in moves if one.at > since))]


def _descends(git: GitRepository, head: str, base: str) -> bool:
    return git.merge_base(base, head) == base

"""What stands below a pull request: commands of people, and the comment about databases."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.core.commands import Verb
from app.core.identifiers import (
    CommentId,
    DatabaseId,
    PullRequestNumber,
    RepositoryId,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """A command that a person gave in a comment."""

    comment_id: CommentId
    repository_id: RepositoryId
    number: PullRequestNumber
    verb: Verb
    sender_id: int
    sender_login: str
    pinned: Mapping[DatabaseId, int]
    """The generations of the head's databases when it was given."""
    is_done: bool
    is_given_up: bool
    """Its job gave up while GitHub was away: whoever gave it is to be told."""
    reply: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The comment about a pull request's databases, as it was written last."""

    news: str | None
    """What it told of; None: it was never written."""
    says_open: bool
    is_due: bool = False
    """Do not wait for a migration: nobody will migrate the head soon, or it was begun before."""
    is_asked: bool = False
    """A person wants to see it now, also without news."""

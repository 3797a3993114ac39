"""What operations ask of the state database about the talk below pull requests.

Each method is one transaction. Those that take `then` queue these jobs in it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.core.commands import Verb
from app.core.identifiers import (
    CommentId,
    DatabaseId,
    PullRequestNumber,
    RepositoryId,
)
from app.core.intents import Intent


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
    is_reply_begun: bool
    """Somebody tried to post the reply, and may have been cut off."""
    reply_id: CommentId | None


class Commands(Protocol):
    """Commands; a delivery stores them."""

    def get(self, comment_id: CommentId) -> Command:
        """Raise NotFound when there is none."""

    def done(
        self, comment_id: CommentId, *, reply: str | None, then: Sequence[Intent] = ()
    ) -> None:
        """It was carried out or refused; the reply, if any, is to be posted."""

    def begin_reply(self, comment_id: CommentId) -> None: ...

    def replied(self, comment_id: CommentId, reply_id: CommentId) -> None: ...

    def requeue_late(self) -> int:
        """Queue those whose job gave up, and replies that were not posted; returns how many."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Summary:
    """The comment about a pull request's databases, as it was written last."""

    comment_id: CommentId | None
    news: str | None
    """What it told of; None: it was never written."""
    says_open: bool
    is_due: bool = False
    """Nobody will migrate the head soon: do not wait for that."""
    is_asked: bool = False
    """A person wants to see it now, also without news."""
    is_late: bool = False
    """It was begun to be written, and is not there yet."""


class Summaries(Protocol):
    """The comments about pull requests' databases."""

    def get(self, repository_id: RepositoryId, number: PullRequestNumber) -> Summary | None: ...

    def want(
        self, repository_id: RepositoryId, number: PullRequestNumber, *, is_asked: bool
    ) -> None:
        """Have it written without waiting for a migration, or, if a person asks, in any case."""

    def begin(self, repository_id: RepositoryId, number: PullRequestNumber) -> None:
        """It is being written; it is late until it is."""

    def written(
        self, repository_id: RepositoryId, number: PullRequestNumber, summary: Summary
    ) -> None:
        """GitHub shows it; whatever was wanted is done."""

    def requeue_late(self) -> int:
        """Queue those whose job gave up, and last words never said; returns how many."""

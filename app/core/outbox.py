"""Texts that should stand at GitHub: check runs, and comments below pull requests. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from app.core.queues import COMMENTS, GITHUB


class TextKind(StrEnum):
    """What a text is; `operations/outbox` says how each is made."""

    CHECK = "check"
    REPLY = "reply"
    """The answer to a command in a comment."""
    SUMMARY = "summary"
    """The comment about a pull request's databases."""


QUEUES: Mapping[str, str] = {
    TextKind.CHECK: GITHUB,
    TextKind.REPLY: COMMENTS,
    TextKind.SUMMARY: COMMENTS,
}
"""Where texts of a kind wait; each queue has a budget of writes of its own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Text:
    """A row of the outbox: how far a text has come."""

    id: int
    """Of a check run also its `external_id` at GitHub."""
    wanted: int
    """Counts changes of what should stand there."""
    posted: int
    """The change that GitHub shows."""
    github_id: int | None
    attempts: int
    """How often somebody began to post it, and may have been cut off."""
    is_last: bool
    """It is a check on a commit that is not the head of an open pull request."""

    @property
    def is_wanted(self) -> bool:
        return self.posted < self.wanted


# GitHub's secondary limits are 80 content writes a minute and 500 an hour; some room is left for
# people and other tools.
# https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
WRITES_PER_MINUTE = 60
WRITES_PER_HOUR = 400
SHARE_OF_LAST = 0.75
"""How much of the budget is there for what goes last; the rest is kept for all others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Pause:
    """How long to wait for the next write, in seconds."""

    at_least: float
    each: float
    """For each text that waits already, so that a storm's texts do not all wake up again and again
    for the few writes that there are."""


def pause(*, last_minute: int, last_hour: int, is_last: bool) -> Pause | None:
    """Whether to wait after so many writes of one installation and budget; None: write now."""
    share = SHARE_OF_LAST if is_last else 1.0
    if last_hour >= WRITES_PER_HOUR * share:
        return Pause(at_least=60, each=3600 / (WRITES_PER_HOUR * share))
    if last_minute >= WRITES_PER_MINUTE * share:
        return Pause(at_least=5, each=60 / (WRITES_PER_MINUTE * share))
    return None

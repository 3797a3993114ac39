"""Posting texts to GitHub, within its limits; late is fine, lost or doubled is not.

A new kind of text is a line in `core/outbox` and one in the table here.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.core.identifiers import CheckId, CheckRunId, CommentId, PullRequestNumber
from app.core.intents import PostText
from app.core.outbox import Text, TextKind
from app.core.repositories import Repository
from app.operations.pull_requests import summaries
from app.operations.pull_requests.wording import reply, reply_marker
from app.operations.services import Services


@dataclass(frozen=True, slots=True, kw_only=True)
class _Kind:
    """How a text comes to be."""

    publish: Callable[[Services, Repository, PostText, Text], int | None]
    """Write it at GitHub; its id there, or None where a last look finds nothing to say."""
    is_news: Callable[[Services, Repository, PostText], bool | None] | None = None
    """Whether it is to be written; default: when it changed since it was posted. None: not yet."""


def post_text(services: Services, post: PostText) -> None:
    """Bring a text at GitHub to what is wanted now; several changes become one write.

    Queues itself again while the installation's budget is used up. Raises GitHubUnavailable when
    GitHub fails. A repository that the App no longer sees gets nothing.
    """
    outbox = services.store.outbox
    repository = services.store.repositories.get(post.repository_id)
    if repository is None or not repository.is_active or repository.installation_id is None:
        return
    kind = _KINDS[post.kind]
    # Of two workers one would make a second one, or put old words back.
    with outbox.exclusively(post):
        text = outbox.get(post)
        is_wanted = text is not None and text.is_wanted
        is_news = kind.is_news(services, repository, post) if kind.is_news else is_wanted
        if is_news is False and text is not None and is_wanted:
            outbox.posted(text, github_id=text.github_id)
        elif is_news and outbox.take_turn(post, repository.installation_id):
            text = outbox.begin(post)
            github_id = kind.publish(services, repository, post, text)
            outbox.posted(text, github_id=text.github_id if github_id is None else github_id)


def _publish_check(services: Services, repository: Repository, _: PostText, text: Text) -> int:
    check = services.store.checks.get(CheckId(text.id))
    github_id = None if text.github_id is None else CheckRunId(text.github_id)
    return services.github.publish_check(
        repository, check.head_sha, check.content, check_id=check.id, github_id=github_id
    )


def _publish_reply(services: Services, repository: Repository, post: PostText, text: Text) -> int:
    """A second attempt looks first whether it stands there."""
    number, comment_id = PullRequestNumber(int(post.place)), CommentId(int(post.key))
    command = services.store.conversation.command(comment_id)
    body = reply(comment_id, command.verb, command.reply or "")
    if text.attempts == 1:
        return services.github.comment(repository, number, body)
    marker = reply_marker(comment_id)
    return services.github.publish_comment(repository, number, body, marker=marker, comment_id=None)


_KINDS: Mapping[str, _Kind] = {
    TextKind.CHECK: _Kind(publish=_publish_check),
    TextKind.REPLY: _Kind(publish=_publish_reply),
    TextKind.SUMMARY: _Kind(publish=summaries.publish, is_news=summaries.is_news),
}

"""Posting the answers to commands, each once."""

from app.core.identifiers import CommentId
from app.core.intents import PostReply
from app.operations.pull_requests.pacing import seconds_to_wait
from app.operations.pull_requests.wording import reply, reply_marker
from app.operations.services import Services


def post_reply(services: Services, comment_id: CommentId) -> None:
    """Post the answer to a command; a second attempt looks first whether it stands there.

    Queues itself again while the installation's budget is used up. Raises GitHubUnavailable when
    GitHub fails.
    """
    command = services.store.commands.get(comment_id)
    repository = services.store.repositories.get(command.repository_id)
    if command.reply is None or command.reply_id is not None:
        return
    if repository is None or not repository.is_active:
        return
    wait_seconds = seconds_to_wait(services.store, repository)
    if wait_seconds:
        again = PostReply(
            repository_id=command.repository_id,
            number=command.number,
            comment_id=comment_id,
            delay_seconds=wait_seconds,
        )
        services.store.queue.add([again])
        return
    body = reply(comment_id, command.verb, command.reply)
    if command.is_reply_begun:
        marker = reply_marker(comment_id)
        reply_id = services.github.publish_comment(
            repository, command.number, body, marker=marker, comment_id=None
        )
    else:
        services.store.commands.begin_reply(comment_id)
        reply_id = services.github.comment(repository, command.number, body)
    services.store.commands.replied(comment_id, reply_id)

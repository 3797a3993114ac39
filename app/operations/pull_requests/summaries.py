"""Keeping the one comment about a pull request's databases, with as few writes as can be."""

from app.core.conversation import Summary
from app.core.databases import DatabaseState
from app.core.identifiers import CommentId, PullRequestNumber
from app.core.intents import PostText
from app.core.outbox import Text
from app.core.repositories import Repository
from app.operations.pull_requests.overviews import measured, overview
from app.operations.pull_requests.wording import SUMMARY_MARKER, Overview, Row, news, summary
from app.operations.services import Services


def is_news(services: Services, repository: Repository, post: PostText) -> bool | None:
    """Whether there is something to tell, as far as is known here; None: perhaps soon.

    A pull request that goes well takes two writes in all.
    """
    number = PullRequestNumber(int(post.place))
    pull_request = services.store.repositories.pull_request(repository.id, number)
    if pull_request is None or pull_request.is_from_fork:
        return False
    if pull_request.head_branch == repository.default_branch:
        return False
    before = services.store.conversation.summary(repository.id, number)
    told = overview(services, pull_request)
    if is_wanted(told, before):
        return True
    return None if _is_in_between(told) else False


def publish(
    services: Services, repository: Repository, post: PostText, text: Text
) -> CommentId | None:
    """Write the comment as things are now, by GitHub's live state.

    A webhook is only a hint: an old one that comes again must not close what is open.
    """
    number = PullRequestNumber(int(post.place))
    before = services.store.conversation.summary(repository.id, number)
    live = services.github.pull_request(repository, number)
    if live is None:
        if before is not None and before.news is not None:
            services.store.conversation.told(text, news=before.news, says_open=False)
        return None
    services.store.repositories.save_pull_request(live)
    told = overview(services, live)
    if not is_wanted(told, before):
        return None
    told = measured(services, told)
    comment_id = services.github.publish_comment(
        repository,
        number,
        summary(told),
        marker=SUMMARY_MARKER,
        comment_id=None if text.github_id is None else CommentId(text.github_id),
    )
    services.store.conversation.told(text, news=news(told), says_open=told.is_open)
    return comment_id


def is_wanted(told: Overview, before: Summary | None) -> bool:
    """Whether the comment is to be written now.

    The first time after the first migration, because it is the one thing that is sure to come; and
    the last time when the pull request is closed. In between only what went wrong, and what mended
    it, is worth a write.
    """
    if before is not None and before.is_asked:
        return True
    if before is None or before.news is None:
        is_due = before is not None and before.is_due
        return told.is_open and any(is_due or _is_settled(row) for row in told.own)
    if not told.is_open:
        return before.says_open
    return not _is_in_between(told) and news(told) != before.news


def _is_in_between(told: Overview) -> bool:
    return any(row.database.state is DatabaseState.CREATING for row in told.own)


def _is_settled(row: Row) -> bool:
    is_migrated = row.database.state is DatabaseState.READY and row.last is not None
    return is_migrated or row.database.state is DatabaseState.ERROR

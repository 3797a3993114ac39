"""Keeping the one comment about a pull request's databases, with as few writes as can be."""

from app.core.conversation import Summary
from app.core.databases import DatabaseState
from app.core.identifiers import PullRequestNumber, RepositoryId
from app.core.intents import PostSummary
from app.core.repositories import Repository
from app.operations.pull_requests.overviews import overview
from app.operations.pull_requests.pacing import seconds_to_wait
from app.operations.pull_requests.wording import SUMMARY_MARKER, Overview, Row, news, summary
from app.operations.services import Services

_NEVER = Summary(comment_id=None, news=None, says_open=True)


def post_summary(
    services: Services, repository_id: RepositoryId, number: PullRequestNumber
) -> None:
    """Write the comment if there is news; a pull request that goes well takes two writes in all.

    Queues itself again while the installation's budget is used up. Raises GitHubUnavailable when
    GitHub fails; nothing but the comment waits for that.
    """
    repository = services.store.repositories.get(repository_id)
    pull_request = services.store.repositories.pull_request(repository_id, number)
    if repository is None or pull_request is None or not repository.is_active:
        return
    is_default = pull_request.head_branch == repository.default_branch
    if pull_request.is_from_fork or is_default:
        return
    before = services.store.summaries.get(repository_id, number)
    if not is_wanted(overview(services, pull_request, is_measured=False), before):
        return
    services.store.summaries.begin(repository_id, number)
    # A webhook is only a hint: an old one that comes again must not close what is open.
    live = services.github.pull_request(repository, number)
    if live is not None:
        services.store.repositories.save_pull_request(live)
    if live is None or not is_wanted(overview(services, live, is_measured=False), before):
        services.store.summaries.written(repository_id, number, before or _NEVER)
        return
    wait_seconds = seconds_to_wait(services.store, repository)
    if wait_seconds:
        again = PostSummary(repository_id=repository_id, number=number, delay_seconds=wait_seconds)
        services.store.queue.add([again])
        return
    _write(services, repository, number, overview(services, live, is_measured=True), before)


def is_wanted(told: Overview, before: Summary | None) -> bool:
    """Whether the comment is to be written now.

    The first time after the first migration, because it is the one thing that is sure to come; and
    the last time when the pull request is closed. In between only what went wrong, and what mended
    it, is worth a write.
    """
    if before is not None and before.is_asked:
        return True
    if before is None or before.news is None:
        is_due = before is not None and (before.is_due or before.is_late)
        return told.is_open and any(is_due or _is_settled(row) for row in told.own)
    if not told.is_open:
        return before.says_open
    is_in_between = any(row.database.state is DatabaseState.CREATING for row in told.own)
    return not is_in_between and news(told) != before.news


def _is_settled(row: Row) -> bool:
    is_migrated = row.database.state is DatabaseState.READY and row.last is not None
    return is_migrated or row.database.state is DatabaseState.ERROR


def _write(
    services: Services,
    repository: Repository,
    number: PullRequestNumber,
    told: Overview,
    before: Summary | None,
) -> None:
    comment_id = services.github.publish_comment(
        repository,
        number,
        summary(told),
        marker=SUMMARY_MARKER,
        comment_id=before.comment_id if before else None,
    )
    services.store.summaries.written(
        repository.id,
        number,
        Summary(comment_id=comment_id, news=news(told), says_open=told.is_open),
    )

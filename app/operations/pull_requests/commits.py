"""Answers for required checks: what nobody will report on is posted as `skipped`."""

from collections.abc import Sequence

from app.core.assignments import Assignment
from app.core.checks import CheckContent, CheckSubject
from app.core.environments import Environment
from app.core.identifiers import CommitSha, PullRequestNumber, RepositoryId
from app.core.intents import AnswerCommit, summary_of
from app.core.reasons import MERGE_QUEUE_BRANCH, without_database
from app.core.repositories import PullRequest, Repository
from app.operations.checks import reports, trace_reports
from app.operations.databases.provisioning import report_database
from app.operations.runs import announcements
from app.operations.services import Services
from app.store.store import Store

LOOK_AGAIN_SECONDS = 15 * 60
"""For a lost `workflow_run` event: asking again costs one request."""

MERGE_GROUP = "merge_group"
_REQUIRABLE = (Environment.BRANCH, Environment.PREVIEW)


def answer_pull_request(
    services: Services, repository_id: RepositoryId, number: PullRequestNumber
) -> None:
    """Give the head of an open pull request its `database` check, or `skipped` answers.

    A database that is still being created answers for itself. Raises GitHubUnavailable.
    """
    repository = services.store.repositories.get(repository_id)
    if repository is None or not repository.is_active:
        return
    pull_request = services.github.pull_request(repository, number)
    if pull_request is None:
        return
    services.store.repositories.save_pull_request(pull_request)
    if not pull_request.is_open:
        return
    for assignment in services.store.apps.assignments(repository_id=repository_id):
        _answer_head(services.store, repository, assignment, pull_request)
    services.store.queue.add([summary_of(repository_id, number)])


def answer_commit(services: Services, repository_id: RepositoryId, head_sha: CommitSha) -> None:
    """Post `skipped` for migrations that no workflow run of this commit will report on.

    While one is under way it is left to that: its end asks again. Raises GitHubUnavailable.
    """
    repository = services.store.repositories.get(repository_id)
    assignments = services.store.apps.assignments(repository_id=repository_id)
    if repository is None or not repository.is_active or not assignments:
        return
    pull_requests = [
        pull
        for pull in services.store.repositories.open_pull_requests(repository_id)
        if pull.head_sha == head_sha
    ]
    is_head = bool(pull_requests)
    runs = services.github.workflow_runs(repository, head_sha)
    if any(not run.is_completed for run in runs):
        # A head that was pushed over waits for nobody; a merge queue does, until it is answered.
        if is_head or any(run.event == MERGE_GROUP for run in runs):
            services.store.queue.add([_later(repository_id, head_sha)])
        return
    why = "No workflow run of this commit migrated it." if runs else "No workflow ran for it."
    for assignment in assignments:
        _repeat_traces(services, assignment, pull_requests, head_sha)
        contents = _unreported(assignment, _REQUIRABLE, why=why)
        if not is_head:
            # A commit of the merge queue: databases belong to branches, and this one has none.
            why = MERGE_QUEUE_BRANCH.markdown
            contents.append(reports.database_skipped(assignment.app, why=why))
        for content in contents:
            _want(services.store, assignment, head_sha, content)
    for pull in pull_requests:
        # Whoever waits for the first migration waits in vain.
        services.store.conversation.want_summary(repository_id, pull.number, is_asked=False)


def _answer_head(
    store: Store,
    repository: Repository,
    assignment: Assignment,
    pull_request: PullRequest,
) -> None:
    unreached = without_database(
        pull_request.head_branch,
        default_branch=repository.default_branch,
        ignore_patterns=assignment.policies.ignore_patterns,
        is_from_fork=pull_request.is_from_fork,
    )
    if unreached is None:
        database = store.databases.live(
            assignment.app.id, Environment.BRANCH, pull_request.head_branch
        )
        if database is not None:
            report_database(store, assignment, database, pull_request.head_sha)
        return
    why, head_sha = unreached.markdown, pull_request.head_sha
    _want(store, assignment, head_sha, reports.database_skipped(assignment.app, why=why))
    for content in _unreported(assignment, _skipped(repository, pull_request), why=why):
        _want(store, assignment, head_sha, content)


def _repeat_traces(
    services: Services,
    assignment: Assignment,
    pull_requests: Sequence[PullRequest],
    head_sha: CommitSha,
) -> None:
    """Say again of a branch what breaks a rule: a commit that nobody migrated undoes nothing."""
    if not assignment.policies.has_rules_for_traces:
        return
    for pull in pull_requests:
        before = announcements.trace_before(services, assignment.app.id, pull.head_branch)
        if before is not None:
            _want(services.store, assignment, head_sha, before)


def _unreported(
    assignment: Assignment, environments: tuple[Environment, ...], *, why: str
) -> list[CheckContent]:
    """Of a trace too, unless preview's migration may still have one."""
    contents = [
        reports.migration_skipped(assignment.app, environment, why=why)
        for environment in environments
    ]
    if environments == _REQUIRABLE and assignment.policies.has_rules_for_traces:
        contents.append(trace_reports.skipped(assignment.app, why=why))
    return contents


def _skipped(repository: Repository, pull_request: PullRequest) -> tuple[Environment, ...]:
    """The default branch's own head may still reach preview; the others reach nothing."""
    is_default = pull_request.head_branch == repository.default_branch
    reaches_preview = is_default and not pull_request.is_from_fork
    return (Environment.BRANCH,) if reaches_preview else _REQUIRABLE


def _want(store: Store, assignment: Assignment, head_sha: CommitSha, content: CheckContent) -> None:
    """Want it unless something stands there already: a result is never replaced by `skipped`.

    A pull request or a merge queue waits for it.
    """
    store.checks.want(
        content,
        CheckSubject(
            repository_id=assignment.app.repository_id,
            head_sha=head_sha,
            app_id=assignment.app.id,
        ),
        keep_existing=True,
        is_awaited=True,
    )


def _later(repository_id: RepositoryId, head_sha: CommitSha) -> AnswerCommit:
    return AnswerCommit(
        repository_id=repository_id, head_sha=head_sha, delay_seconds=LOOK_AGAIN_SECONDS
    )

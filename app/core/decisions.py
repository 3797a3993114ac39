"""What an event asks for, given what Coppice knows: events in, intents out."""

from dataclasses import dataclass

from app.core import events
from app.core.assignments import Assignment, PreviewPolicy
from app.core.databases import BRANCH_LIVED, Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import BranchName, CheckId, CommitSha
from app.core.intents import (
    AnswerCommit,
    AnswerPullRequest,
    EndJobLogins,
    Intent,
    PressButton,
    ReconcileBranch,
    ReconcileRepository,
    RunCommand,
    summary_of,
)
from app.core.reasons import is_provisioned
from app.core.repositories import PullRequest, Repository

# How long a workflow run may take to appear on a new head before its checks are answered.
APPEARANCE_SECONDS = 120

# The branch often goes with its pull request: then the comment's last word knows that, too.
CLOSING_SECONDS = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the state database knows around an event; each field is a column of what reads it."""

    repository: Repository
    assignments: tuple[Assignment, ...]
    databases: tuple[Database, ...] = ()
    """Live databases of the event's branch; on the default branch production and preview."""
    open_pull_requests: tuple[PullRequest, ...] = ()
    """Those whose head is the event's branch or commit."""
    shares_checks: bool = False
    """The event's branch has its say on a commit beside other branches."""
    has_job_logins: bool = False
    """Of the event's workflow run: some have not ended."""
    rerunnable_checks: tuple[CheckId, ...] = ()
    """Of the event's commit: one for each run of the Action that reported there."""
    is_obeyed: bool = False
    """The event's command was taken in before."""


def decide(event: events.RepositoryEvent, known: Known) -> list[Intent]:
    """List what the event asks for; nothing when the state already is as it should be."""
    if isinstance(event, events.CommandGiven) and (known.is_obeyed or not known.assignments):
        return []
    intents: list[Intent] = []
    if isinstance(event, events.RepositoryChanged) or _is_outdated(
        known.repository, event.repository
    ):
        intents.append(ReconcileRepository(repository_id=known.repository.id))
    if isinstance(event, events.WorkflowCompleted):
        intents += _ends(event, known)
    if known.assignments:
        intents += _of_branch(event, known)
        intents += _of_commit(event, known)
    return intents


def _is_outdated(stored: Repository, mentioned: events.RepositoryMentioned) -> bool:
    # A payload is only a hint, and may be old: what is true now is read from GitHub.
    return (stored.full_name, stored.owner_id, stored.default_branch) != (
        mentioned.full_name,
        mentioned.owner_id,
        mentioned.default_branch,
    )


def _of_branch(event: events.RepositoryEvent, known: Known) -> list[Intent]:
    match event:
        case events.BranchPushed(branch=branch, head_sha=head_sha):
            return [
                *_needed(branch, head_sha, known),
                *(_answer(pull_request) for pull_request in known.open_pull_requests),
            ]
        case events.BranchCreated(branch=branch):
            return _needed(branch, None, known)
        case events.BranchDeleted(branch=branch):
            gone = [database for database in known.databases if _is_cut_with_branch(database)]
            return (
                [ReconcileBranch(repository_id=known.repository.id, branch=branch)] if gone else []
            )
        case events.PullRequestChanged(pull_request=pull_request) if pull_request.is_open:
            return [*_needed_by(pull_request, known), _answer(pull_request)]
        case events.PullRequestChanged(pull_request=pull_request) if not pull_request.is_from_fork:
            return [_last_word(pull_request)]
        case _:
            return []


def _of_commit(event: events.RepositoryEvent, known: Known) -> list[Intent]:
    match event:
        case events.PullRequestChanged(pull_request=pull_request) if pull_request.is_open:
            return [_answer_commit_later(known, pull_request.head_sha)]
        case events.MergeGroupRequested(head_sha=head_sha):
            return [_answer_commit_later(known, head_sha)]
        case events.WorkflowCompleted():
            return _after_workflow(event, known)
        case events.ButtonPressed(check_id=check_id, identifier=identifier):
            return [_press(event, check_id, identifier)]
        case events.SuiteRerequested():
            return [_press(event, check_id, "rerun") for check_id in known.rerunnable_checks]
        case events.CommandGiven(number=number, comment_id=comment_id):
            return [
                RunCommand(repository_id=known.repository.id, number=number, comment_id=comment_id)
            ]
        case _:
            return []


def _needed(branch: BranchName, head_sha: CommitSha | None, known: Known) -> list[Intent]:
    """A reconcile of the branch, unless every database it should have is ready.

    One that counted on a commit beside others does not, once it has moved on.
    """
    ready = {
        (database.app_id, database.environment)
        for database in known.databases
        if database.state is DatabaseState.READY and database.missing_since is None
    }
    wanted = {
        (assignment.app.id, environment)
        for assignment in known.assignments
        for environment in environments_of_branch(branch, known.repository, assignment)
    }
    if wanted <= ready and not known.shares_checks:
        return []
    return [ReconcileBranch(repository_id=known.repository.id, branch=branch, head_sha=head_sha)]


def environments_of_branch(
    branch: BranchName, repository: Repository, assignment: Assignment
) -> tuple[Environment, ...]:
    """The databases that stand or fall with a branch."""
    if branch == repository.default_branch:
        return shared_environments(assignment)
    is_wanted = is_provisioned(
        branch,
        default_branch=repository.default_branch,
        ignore_patterns=assignment.policies.ignore_patterns,
    )
    return (Environment.BRANCH,) if is_wanted else ()


def shared_environments(assignment: Assignment) -> tuple[Environment, ...]:
    """The databases that belong to no branch of their own."""
    if assignment.policies.preview is PreviewPolicy.OFF:
        return (Environment.PRODUCTION,)
    return (Environment.PRODUCTION, Environment.PREVIEW)


def _needed_by(pull_request: PullRequest, known: Known) -> list[Intent]:
    if pull_request.is_from_fork:
        return []
    return _needed(pull_request.head_branch, pull_request.head_sha, known)


def _is_cut_with_branch(database: Database) -> bool:
    is_in_use = database.state in {
        DatabaseState.CREATING,
        DatabaseState.READY,
        DatabaseState.ERROR,
    }
    return database.environment is Environment.BRANCH and (
        is_in_use or database.closed_because in BRANCH_LIVED
    )


def _answer(pull_request: PullRequest) -> Intent:
    return AnswerPullRequest(repository_id=pull_request.repository_id, number=pull_request.number)


def _last_word(pull_request: PullRequest) -> Intent:
    return summary_of(
        pull_request.repository_id, pull_request.number, delay_seconds=CLOSING_SECONDS
    )


def _answer_commit_later(known: Known, head_sha: CommitSha) -> Intent:
    return AnswerCommit(
        repository_id=known.repository.id, head_sha=head_sha, delay_seconds=APPEARANCE_SECONDS
    )


def _ends(event: events.WorkflowCompleted, known: Known) -> list[Intent]:
    """Logins end with their job, also when the app's assignment has ended before."""
    if not known.has_job_logins:
        return []
    return [
        EndJobLogins(
            repository_id=known.repository.id,
            workflow_run_id=event.workflow_run_id,
            workflow_attempt=event.workflow_attempt,
            workflow_job_id=event.workflow_job_id,
        )
    ]


def _after_workflow(event: events.WorkflowCompleted, known: Known) -> list[Intent]:
    is_whole_run = event.workflow_job_id is None
    if is_whole_run and (known.open_pull_requests or event.is_merge_group):
        return [AnswerCommit(repository_id=known.repository.id, head_sha=event.head_sha)]
    return []


def _press(
    event: events.ButtonPressed | events.SuiteRerequested, check_id: CheckId, identifier: str
) -> Intent:
    return PressButton(
        repository_id=event.repository.id,
        check_id=check_id,
        identifier=identifier,
        sender_id=event.sender_id,
        sender_login=event.sender_login,
    )

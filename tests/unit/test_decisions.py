"""What an event asks for: as little as possible, and never from the payload's word alone."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.core.assignments import App, Assignment, Policies
from app.core.commands import Verb
from app.core.databases import Database, DatabaseState
from app.core.decisions import CLOSING_SECONDS, Known, decide
from app.core.environments import Environment
from app.core.events import (
    BranchCreated,
    BranchDeleted,
    BranchPushed,
    ButtonPressed,
    CommandGiven,
    MergeGroupRequested,
    PullRequestChanged,
    RepositoryChanged,
    RepositoryMentioned,
    SuiteRerequested,
    WorkflowCompleted,
)
from app.core.identifiers import (
    AppId,
    BranchName,
    CheckId,
    CommentId,
    CommitSha,
    InstanceId,
    OwnerId,
    PullRequestNumber,
    RepositoryId,
    WorkflowJobId,
    WorkflowRunId,
)
from app.core.intents import (
    AnswerCommit,
    AnswerPullRequest,
    EndJobLogins,
    PressButton,
    ReconcileBranch,
    ReconcileRepository,
    RunCommand,
    summary_of,
)
from app.core.repositories import PullRequest
from tests.unit import databases
from tests.unit.jobs import HEAD, REPOSITORY

ID = REPOSITORY.id
BRANCH = BranchName("feature/login")
MENTIONED = RepositoryMentioned(
    id=ID,
    owner_id=REPOSITORY.owner_id,
    full_name=REPOSITORY.full_name,
    default_branch=REPOSITORY.default_branch,
)
APP = App(id=AppId("3ba03b"), repository_id=ID, has_bare_checks=True)
ASSIGNMENT = Assignment(
    app=APP, instance_id=InstanceId(1), migration_command="migrate", policies=Policies()
)
PULL_REQUEST = PullRequest(
    number=PullRequestNumber(5),
    repository_id=ID,
    head_repository_id=ID,
    head_branch=BRANCH,
    head_sha=HEAD,
    is_open=True,
)
PUSH = BranchPushed(repository=MENTIONED, branch=BRANCH, head_sha=HEAD)


def database(
    environment: Environment = Environment.BRANCH,
    state: DatabaseState = DatabaseState.READY,
    **changes: Any,
) -> Database:
    made = databases.database(
        BRANCH if environment is Environment.BRANCH else None,
        environment=environment,
        state=state,
        migrated_sha=None,
        migrated_at=None,
        ready_at=None,
    )
    return replace(made, **changes)


def known(*databases: Database, **changes: Any) -> Known:
    return replace(
        Known(repository=REPOSITORY, assignments=(ASSIGNMENT,), databases=databases), **changes
    )


def test_a_push_to_a_branch_without_database_reconciles_the_branch() -> None:
    intents = decide(PUSH, known())

    assert intents == [ReconcileBranch(repository_id=ID, branch=BRANCH, head_sha=HEAD)]


def test_a_push_that_needs_nothing_causes_no_job() -> None:
    assert decide(PUSH, known(database())) == []


def test_a_push_tells_the_open_pull_request() -> None:
    intents = decide(PUSH, known(database(), open_pull_requests=(PULL_REQUEST,)))

    assert intents == [AnswerPullRequest(repository_id=ID, number=PULL_REQUEST.number)]


def test_a_push_looks_again_at_a_database_that_is_not_ready() -> None:
    for state in (DatabaseState.CREATING, DatabaseState.ERROR, DatabaseState.DELETED):
        assert decide(PUSH, known(database(state=state))) != []


def test_a_push_looks_again_at_a_branch_that_seemed_missing() -> None:
    missing = database(missing_since=datetime(2026, 1, 1, tzinfo=UTC))

    assert decide(PUSH, known(missing)) != []


def test_a_push_to_the_default_branch_needs_production_and_preview() -> None:
    push = replace(PUSH, branch=REPOSITORY.default_branch)
    production, preview = database(Environment.PRODUCTION), database(Environment.PREVIEW)

    assert decide(push, known(production)) != []
    assert decide(push, known(production, preview)) == []


def test_an_ignored_branch_causes_nothing() -> None:
    policies = Policies(ignore_patterns=("feature/**",))

    assert decide(PUSH, known(assignments=(replace(ASSIGNMENT, policies=policies),))) == []


def test_a_merge_queues_branch_causes_nothing() -> None:
    push = replace(PUSH, branch=BranchName("gh-readonly-queue/main/pr-5-abc"))

    assert decide(push, known()) == []


def test_a_repository_without_assignment_causes_nothing() -> None:
    assert decide(PUSH, known(assignments=())) == []


def test_each_app_of_a_monorepo_needs_its_database() -> None:
    second = replace(ASSIGNMENT, app=replace(APP, id=AppId("second"), has_bare_checks=False))

    intents = decide(PUSH, known(database(), assignments=(ASSIGNMENT, second)))

    assert intents == [ReconcileBranch(repository_id=ID, branch=BRANCH, head_sha=HEAD)]


def test_a_created_branch_is_reconciled_once_for_create_and_push() -> None:
    created = BranchCreated(repository=MENTIONED, branch=BRANCH)

    assert decide(created, known()) == [ReconcileBranch(repository_id=ID, branch=BRANCH)]
    assert decide(created, known(database())) == []


def test_a_deleted_branch_is_looked_at_only_if_it_has_a_database() -> None:
    deleted = BranchDeleted(repository=MENTIONED, branch=BRANCH)

    assert decide(deleted, known(database())) == [ReconcileBranch(repository_id=ID, branch=BRANCH)]
    assert decide(deleted, known()) == []
    assert decide(deleted, known(database(state=DatabaseState.DELETED))) == []


def test_a_deleted_default_branch_never_touches_production() -> None:
    deleted = BranchDeleted(repository=MENTIONED, branch=REPOSITORY.default_branch)

    assert decide(deleted, known(database(Environment.PRODUCTION))) == []


def test_another_name_owner_or_default_branch_is_read_from_github() -> None:
    for mentioned in (
        replace(MENTIONED, full_name="octo/renamed"),
        replace(MENTIONED, owner_id=OwnerId(8)),
        replace(MENTIONED, default_branch=BranchName("trunk")),
    ):
        push = replace(PUSH, repository=mentioned)
        assert decide(push, known(database())) == [ReconcileRepository(repository_id=ID)]


def test_a_changed_repository_is_reconciled_also_without_assignment() -> None:
    changed = RepositoryChanged(repository=MENTIONED)

    assert decide(changed, known(assignments=())) == [ReconcileRepository(repository_id=ID)]


def test_an_opened_pull_request_gets_its_database_and_its_answers() -> None:
    opened = PullRequestChanged(repository=MENTIONED, pull_request=PULL_REQUEST)

    assert decide(opened, known()) == [
        ReconcileBranch(repository_id=ID, branch=BRANCH, head_sha=HEAD),
        AnswerPullRequest(repository_id=ID, number=PULL_REQUEST.number),
        AnswerCommit(repository_id=ID, head_sha=HEAD, delay_seconds=120),
    ]


def test_a_forks_pull_request_gets_answers_and_no_database() -> None:
    fork = replace(PULL_REQUEST, head_repository_id=RepositoryId(99))
    opened = PullRequestChanged(repository=MENTIONED, pull_request=fork)

    kinds = [type(intent) for intent in decide(opened, known())]

    assert kinds == [AnswerPullRequest, AnswerCommit]


def test_a_closed_pull_request_asks_for_its_comments_last_word() -> None:
    closed = PullRequestChanged(
        repository=MENTIONED, pull_request=replace(PULL_REQUEST, is_open=False)
    )

    [intent] = decide(closed, known(database()))

    assert intent == summary_of(
        PULL_REQUEST.repository_id, PULL_REQUEST.number, delay_seconds=CLOSING_SECONDS
    )


def test_a_closed_pull_request_of_a_fork_causes_nothing() -> None:
    forked = replace(PULL_REQUEST, is_open=False, head_repository_id=None)
    closed = PullRequestChanged(repository=MENTIONED, pull_request=forked)

    assert decide(closed, known(database())) == []


def test_a_command_becomes_a_job_where_an_app_is_assigned() -> None:
    command = CommandGiven(
        repository=MENTIONED,
        number=PullRequestNumber(5),
        comment_id=CommentId(77),
        verb=Verb.RESET,
        sender_id=9,
        sender_login="mona",
    )

    asked = RunCommand(repository_id=ID, number=command.number, comment_id=command.comment_id)
    assert decide(command, known()) == [asked]
    assert decide(command, known(assignments=())) == []
    assert decide(command, known(is_obeyed=True)) == []


def test_a_merge_groups_commit_is_answered_in_any_case() -> None:
    requested = MergeGroupRequested(repository=MENTIONED, head_sha=HEAD)

    assert decide(requested, known()) == [
        AnswerCommit(repository_id=ID, head_sha=HEAD, delay_seconds=120)
    ]


def completed(**changes: Any) -> WorkflowCompleted:
    event = WorkflowCompleted(
        repository=MENTIONED,
        workflow_run_id=WorkflowRunId(9),
        workflow_attempt=1,
        head_sha=HEAD,
        workflow_job_id=None,
        is_merge_group=False,
    )
    return replace(event, **changes)


def test_a_completed_run_that_concerns_nobody_causes_nothing() -> None:
    assert decide(completed(), known()) == []


def test_a_completed_run_ends_its_logins_and_answers_the_pull_request() -> None:
    around = known(has_job_logins=True, open_pull_requests=(PULL_REQUEST,))

    assert decide(completed(), around) == [
        EndJobLogins(repository_id=ID, workflow_run_id=WorkflowRunId(9), workflow_attempt=1),
        AnswerCommit(repository_id=ID, head_sha=HEAD),
    ]


def test_a_completed_run_ends_its_logins_although_its_app_is_assigned_no_more() -> None:
    around = known(assignments=(), has_job_logins=True, open_pull_requests=(PULL_REQUEST,))

    assert decide(completed(), around) == [
        EndJobLogins(repository_id=ID, workflow_run_id=WorkflowRunId(9), workflow_attempt=1)
    ]


def test_a_completed_job_ends_only_its_own_logins() -> None:
    intents = decide(completed(workflow_job_id=WorkflowJobId(4)), known(has_job_logins=True))

    assert intents == [
        EndJobLogins(
            repository_id=ID,
            workflow_run_id=WorkflowRunId(9),
            workflow_attempt=1,
            workflow_job_id=WorkflowJobId(4),
        )
    ]


def test_a_button_is_handed_on_with_who_pressed_it() -> None:
    pressed = ButtonPressed(
        repository=MENTIONED,
        check_id=CheckId(17),
        identifier="fix",
        sender_id=3,
        sender_login="ada",
    )

    assert decide(pressed, known()) == [
        PressButton(
            repository_id=ID,
            check_id=CheckId(17),
            identifier="fix",
            sender_id=3,
            sender_login="ada",
        )
    ]


def test_a_rerequested_suite_runs_each_recorded_run_once() -> None:
    suite = SuiteRerequested(
        repository=MENTIONED, head_sha=CommitSha(HEAD), sender_id=3, sender_login="ada"
    )

    intents = decide(suite, known(rerunnable_checks=(CheckId(1), CheckId(2))))

    assert [intent.check_id for intent in intents if isinstance(intent, PressButton)] == [1, 2]

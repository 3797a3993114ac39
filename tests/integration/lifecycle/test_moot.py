"""A job whose wish has become moot ends well: `given up` counts what failed, and nothing else."""

from typing import get_args

from app.core.checks import CheckContent, CheckSubject, Conclusion
from app.core.databases import DatabaseState
from app.core.environments import Environment
from app.core.identifiers import (
    BranchName,
    CheckId,
    CommentId,
    CommitSha,
    DatabaseId,
    InstallationId,
    InstanceId,
    JobLoginId,
    PullRequestNumber,
    RepositoryId,
    WorkflowRunId,
)
from app.core.intents import (
    AnswerCommit,
    AnswerPullRequest,
    ApplyLimits,
    CompareInstance,
    DropDatabase,
    EndJobLogins,
    EndLogin,
    EndRun,
    EnsureDatabase,
    Intent,
    MeasureInstance,
    PostCheck,
    PostReply,
    PostSummary,
    PressButton,
    RebuildDatabase,
    ReconcileBranch,
    ReconcileInstallation,
    ReconcileRepository,
    RestoreDatabase,
    RotatePassword,
    RunCommand,
    SealDatabase,
)
from app.core.limits import Limits
from app.core.machine_intents import DeleteInstance, FlagStrays, OpenLogin
from app.operations.databases import retention
from tests.integration.lifecycle.test_comebacks import silently
from tests.integration.lifecycle.world import World

REPOSITORY, DATABASE, INSTANCE = RepositoryId(4711), DatabaseId(4711), InstanceId(4711)
NUMBER, COMMENT, CHECK = PullRequestNumber(4711), CommentId(4711), CheckId(4711)
SHA, BRANCH = CommitSha("a" * 40), BranchName("x")
OF_NOTHING: tuple[Intent, ...] = (
    ReconcileBranch(repository_id=REPOSITORY, branch=BRANCH, head_sha=SHA),
    ReconcileRepository(repository_id=REPOSITORY),
    ReconcileInstallation(installation_id=InstallationId(4711)),
    EnsureDatabase(database_id=DATABASE),
    RebuildDatabase(database_id=DATABASE, generation=1),
    DropDatabase(database_id=DATABASE),
    RestoreDatabase(database_id=DATABASE),
    SealDatabase(database_id=DATABASE),
    RotatePassword(database_id=DATABASE),
    MeasureInstance(instance_id=INSTANCE),
    CompareInstance(instance_id=INSTANCE),
    ApplyLimits(instance_id=INSTANCE),
    AnswerPullRequest(repository_id=REPOSITORY, number=NUMBER),
    AnswerCommit(repository_id=REPOSITORY, head_sha=SHA),
    EndJobLogins(repository_id=REPOSITORY, workflow_run_id=WorkflowRunId(4711), workflow_attempt=1),
    EndLogin(database_id=DATABASE, login_id=JobLoginId(4711)),
    EndRun(database_id=DATABASE),
    PressButton(
        repository_id=REPOSITORY,
        check_id=CHECK,
        identifier="fix",
        sender_id=1,
        sender_login="mona",
    ),
    RunCommand(repository_id=REPOSITORY, number=NUMBER, comment_id=COMMENT),
    PostReply(repository_id=REPOSITORY, number=NUMBER, comment_id=COMMENT),
    PostSummary(repository_id=REPOSITORY, number=NUMBER),
    PostCheck(check_id=CHECK),
    FlagStrays(instance_id=INSTANCE),
    DeleteInstance(instance_id=INSTANCE),
    OpenLogin(database_id=DATABASE, run_id=None),
)


def given_up(world: World) -> list[str]:
    """Names of the jobs that `doctor` would count."""
    rows = world.state.execute(
        "SELECT task_name FROM procrastinate_jobs WHERE status = 'failed' ORDER BY id"
    ).fetchall()
    return [row["task_name"] for row in rows]


def test_jobs_of_what_is_gone_end_well(world: World) -> None:
    world.services.queue.add(OF_NOTHING)

    world.settle()

    assert {type(intent) for intent in OF_NOTHING} == set(get_args(Intent))
    assert (given_up(world), world.jobs()) == ([], [])


def test_a_queued_restore_of_something_dropped_ends_well(world: World) -> None:
    world.assign()
    production = world.shared(Environment.PRODUCTION)
    assert production is not None
    retention.delete_database(world.services, production.id)
    retention.mark_unwanted(world.services, production.id)
    retention.drop_database(world.services, production.id, is_by_hand=True)
    world.services.queue.add([RestoreDatabase(database_id=production.id)])

    world.settle()

    assert (given_up(world), world.jobs()) == ([], [])
    assert world.services.databases.get(production.id).state is DatabaseState.GONE


def test_a_queued_restore_whose_room_was_taken_ends_well(world: World) -> None:
    world.assign()
    production = world.shared(Environment.PRODUCTION)
    assert production is not None
    retention.delete_database(world.services, production.id)
    world.services.limits.set(production.instance_id, Limits(databases=1))
    world.services.queue.add([RestoreDatabase(database_id=production.id)])

    world.settle()

    assert (given_up(world), world.jobs()) == ([], [])
    assert world.services.databases.get(production.id).state is DatabaseState.DELETED


def test_a_check_of_a_commit_that_is_gone_ends_well(world: World) -> None:
    world.assign()
    want_check(world, SHA)

    world.settle()

    assert (given_up(world), world.jobs()) == ([], [])


def test_a_check_for_a_repository_that_lost_the_app_ends_well(world: World) -> None:
    world.assign()
    head_sha = world.github.push(world.repository, "x")
    world.settle()
    silently(world, lambda: world.github.uninstall(world.installation))
    want_check(world, CommitSha(head_sha))

    world.settle()

    assert (given_up(world), world.jobs()) == ([], [])


def test_a_look_at_a_branch_of_a_repository_that_was_taken_from_the_app_ends_well(
    world: World,
) -> None:
    other = world.github.create_repository("acme/other")
    world.assign()
    silently(world, lambda: world.github.remove_repository(world.installation, world.repository))
    world.github.expire_tokens()
    branch = ReconcileBranch(
        repository_id=RepositoryId(world.repository.id), branch=BranchName("x"), head_sha=None
    )
    world.services.queue.add([branch])

    world.settle()

    assert other.id in (world.installation.repository_ids or ())
    assert (given_up(world), world.jobs()) == ([], [])


def want_check(world: World, head_sha: CommitSha) -> None:
    content = CheckContent(
        name="database", conclusion=Conclusion.FAILURE, title="Broken", summary="It broke."
    )
    subject = CheckSubject(
        repository_id=RepositoryId(world.repository.id), head_sha=head_sha, app_id=world.app
    )
    world.services.checks.want(content, subject, is_urgent=True)

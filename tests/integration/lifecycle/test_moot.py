"""A job whose wish has become moot ends well: `given up` counts what failed, and nothing else."""

from psycopg.types.json import Jsonb

from app.core.checks import CheckContent, CheckSubject, Conclusion
from app.core.databases import DatabaseState
from app.core.environments import Environment
from app.core.identifiers import BranchName, CommitSha, RepositoryId
from app.core.intents import ReconcileBranch, RestoreDatabase
from app.core.limits import Limits
from app.operations.databases import retention
from tests.integration import by_hand
from tests.integration.lifecycle.test_comebacks import silently
from tests.integration.lifecycle.world import World
from tests.integration.queued_jobs import OF_BEFORE, QUEUED

SHA = CommitSha("a" * 40)


def given_up(world: World) -> list[str]:
    """Names of the jobs that `doctor` would count."""
    rows = world.state.execute(
        "SELECT task_name FROM procrastinate_jobs WHERE status = 'failed' ORDER BY id"
    ).fetchall()
    return [row["task_name"] for row in rows]


def test_jobs_of_what_is_gone_end_well_also_those_that_the_version_before_queued(
    world: World,
) -> None:
    jobs = [*((job, arguments) for _, job, arguments in QUEUED), *OF_BEFORE]
    for (name, queue, lock, priority), arguments in jobs:
        world.state.execute(
            "INSERT INTO procrastinate_jobs (task_name, queue_name, lock, priority, args)"
            " VALUES (%s, %s, %s, %s, %s)",
            [name, queue, lock, priority, Jsonb(arguments)],
        )

    world.settle()

    assert (given_up(world), world.jobs()) == ([], [])


def test_a_queued_restore_of_something_dropped_ends_well(world: World) -> None:
    world.assign()
    production = world.shared(Environment.PRODUCTION)
    assert production is not None
    by_hand.delete_database(world.services, production.id)
    retention.mark_unwanted(world.services.store, production.id)
    retention.drop_database(world.services, production.id, is_by_hand=True)
    world.services.store.queue.add([RestoreDatabase(database_id=production.id)])

    world.settle()

    assert (given_up(world), world.jobs()) == ([], [])
    assert world.services.store.databases.get(production.id).state is DatabaseState.GONE


def test_a_queued_restore_whose_room_was_taken_ends_well(world: World) -> None:
    world.assign()
    production = world.shared(Environment.PRODUCTION)
    assert production is not None
    by_hand.delete_database(world.services, production.id)
    world.services.store.limits.set(production.instance_id, Limits(databases=1))
    world.services.store.queue.add([RestoreDatabase(database_id=production.id)])

    world.settle()

    assert (given_up(world), world.jobs()) == ([], [])
    assert world.services.store.databases.get(production.id).state is DatabaseState.DELETED


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
    world.services.store.queue.add([branch])

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
    world.services.store.checks.want(content, subject)

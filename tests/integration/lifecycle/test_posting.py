"""Check runs reach GitHub once each, late rather than never, and within its limits."""

from concurrent.futures import ThreadPoolExecutor

from psycopg import connect

from app.core.checks import CheckContent, CheckSubject, Conclusion
from app.core.identifiers import CheckId, CommitSha, RepositoryId
from app.operations.checks.posting import post_check
from app.store.checks import WRITES_PER_MINUTE
from app.store.connection import state_conninfo
from demo.github import faults
from demo.github.model import CheckRun
from tests.integration.lifecycle.world import World


def want(world: World, title: str) -> CheckId:
    """Some check on the default branch's head."""
    sha = world.github.branch_head(world.repository, "main")
    assert sha is not None
    return world.services.store.checks.want(
        CheckContent(name="database", title=title, summary=title, conclusion=Conclusion.SUCCESS),
        CheckSubject(repository_id=RepositoryId(world.repository.id), head_sha=CommitSha(sha)),
    )


def shown(world: World) -> list[CheckRun]:
    return world.github.check_runs(world.repository)


def titles(world: World) -> list[str]:
    return [record.output["title"] for record in shown(world)]


def test_a_storm_of_changes_becomes_one_write(world: World) -> None:
    world.assign()

    for number in range(20):
        want(world, f"change {number}")
    waiting = world.jobs()
    world.settle()

    assert waiting == ["checks:post"]
    assert titles(world) == ["change 19"]
    assert shown(world)[0].writes == 1


def test_an_answer_that_is_lost_makes_no_second_check_run(world: World) -> None:
    world.assign()
    world.github.faults.plan(faults.lost_answer(), path="check-runs", method="POST")

    want(world, "once")
    world.settle()
    world.put_retries_forward()
    world.settle()

    assert titles(world) == ["once"]
    assert world.jobs() == []


def test_a_github_that_fails_gets_the_check_later(world: World) -> None:
    world.assign()
    world.github.faults.plan(faults.server_error(), path="check-runs", times=4)

    want(world, "late")
    world.settle()
    early = titles(world)
    for _ in range(4):
        world.put_retries_forward()
        world.settle()

    assert (early, titles(world)) == ([], ["late"])


def test_a_spent_budget_delays_checks_and_loses_none(world: World) -> None:
    world.assign()
    with connect(state_conninfo(world.dsn)) as connection:
        connection.execute(
            "INSERT INTO github_writes (installation_id, kind)"
            " SELECT %s, 'check' FROM generate_series(1, %s)",
            [world.installation.id, WRITES_PER_MINUTE],
        )

    want(world, "late")
    world.settle()
    early, waiting = titles(world), world.jobs()
    world.renew_budget()
    world.put_retries_forward()
    world.settle()

    assert (early, waiting) == ([], ["checks:post"])
    assert titles(world) == ["late"]


def test_a_check_whose_job_gave_up_is_queued_again(world: World) -> None:
    world.assign()
    want(world, "lost")
    with connect(state_conninfo(world.dsn)) as connection:
        connection.execute("DELETE FROM procrastinate_jobs")
        connection.execute("UPDATE checks SET updated_at = now() - interval '11 minutes'")

    world.reconcile()

    assert titles(world) == ["lost"]


def test_a_worker_that_was_thought_dead_makes_no_second_check_run(world: World) -> None:
    world.assign()
    check_id = want(world, "once")
    # Both look for it before either has made it.
    world.github.faults.plan(faults.slow(0.5), path="check-runs", method="POST", times=2)

    with ThreadPoolExecutor(2) as workers:
        list(workers.map(lambda _: post_check(world.services, check_id), range(2)))

    assert titles(world) == ["once"]

"""Required checks never stay unanswered."""

import pytest

from app.core.checks import Conclusion
from app.core.identifiers import CommitSha, PullRequestNumber, RepositoryId
from app.operations.pull_requests.commits import answer_commit, answer_pull_request
from tests.integration.runs.shop import Shop

REQUIRABLE = {"database", "migrate (branch)", "migrate (preview)"}


def conclusions(shop: Shop, sha: str) -> dict[str, Conclusion | None]:
    return {name: content.conclusion for name, content in shop.checks(sha).items()}


def answer(shop: Shop, sha: str) -> None:
    answer_commit(shop.services, RepositoryId(shop.repository.id), CommitSha(sha))


def test_a_forks_pull_request_is_answered_at_once(shared_shop: Shop) -> None:
    fork = shared_shop.github.fork(shared_shop.repository, owner=shared_shop.github.user("mallory"))
    sha = shared_shop.github.push(fork, "of-a-fork")

    shared_shop.github.open_pull_request(shared_shop.repository, "of-a-fork", head_repository=fork)
    shared_shop.world.settle()

    assert conclusions(shared_shop, sha) == dict.fromkeys(REQUIRABLE, Conclusion.SKIPPED)


def test_an_ignored_branch_is_answered_at_once(shop: Shop) -> None:
    shop.set_policies(ignore_patterns=("docs/**",), no_block_above="1GB")
    sha = shop.push("docs/typo")

    shop.github.open_pull_request(shop.repository, "docs/typo")
    shop.world.settle()

    required = {*REQUIRABLE, "trace"}
    assert conclusions(shop, sha) == dict.fromkeys(required, Conclusion.SKIPPED)


def test_an_open_pull_requests_head_says_that_its_database_is_ready(shared_shop: Shop) -> None:
    shared_shop.push("ready")
    shared_shop.github.open_pull_request(shared_shop.repository, "ready")

    sha = shared_shop.push("ready")

    assert conclusions(shared_shop, sha)["database"] is Conclusion.SUCCESS


def test_a_head_whose_workflows_ended_without_a_migration_is_answered(shared_shop: Shop) -> None:
    sha = shared_shop.push("ended")
    shared_shop.github.open_pull_request(shared_shop.repository, "ended")
    run = shared_shop.job("ended").run

    answer(shared_shop, sha)
    before = conclusions(shared_shop, sha)
    shared_shop.github.complete_run(run)
    shared_shop.world.settle()

    assert "migrate (branch)" not in before
    after = conclusions(shared_shop, sha)
    assert after["migrate (branch)"] is after["migrate (preview)"] is Conclusion.SKIPPED
    assert after["database"] is Conclusion.SUCCESS


def test_a_result_is_never_replaced_by_skipped(shared_shop: Shop) -> None:
    sha = shared_shop.push("failed")
    shared_shop.github.open_pull_request(shared_shop.repository, "failed")
    job = shared_shop.job("failed").begun(environments=["branch"])
    job.migrate("branch", "failure")

    shared_shop.github.complete_run(job.run)
    shared_shop.world.settle()

    after = conclusions(shared_shop, sha)
    assert after["migrate (branch)"] is Conclusion.FAILURE
    assert after["migrate (preview)"] is Conclusion.SKIPPED


def test_a_head_without_any_workflow_is_answered(shared_shop: Shop) -> None:
    sha = shared_shop.push("without-workflow")
    shared_shop.github.open_pull_request(shared_shop.repository, "without-workflow")

    answer(shared_shop, sha)

    assert conclusions(shared_shop, sha)["migrate (branch)"] is Conclusion.SKIPPED


@pytest.mark.usefixtures("production_and_preview")
def test_a_merge_group_is_answered_in_full_when_its_workflows_ended(shop: Shop) -> None:
    shop.push("x")
    pull_request = shop.github.open_pull_request(shop.repository, "x")
    queue = shop.github.queue_merge(pull_request)
    job = shop.job(queue, event="merge_group").begun()
    job.migrate("preview")
    posts = shop.world.state.execute(
        "SELECT args -> 'is_last' AS is_last FROM procrastinate_jobs"
        " WHERE args ->> 'place' = %s AND args ->> 'key' = 'migrate (preview)'",
        [job.run.head_sha],
    ).fetchall()

    shop.github.complete_run(job.run)
    shop.world.settle()

    # A queue waits for it, and gives up after a while.
    assert {post["is_last"] for post in posts} == {False}
    after = conclusions(shop, job.run.head_sha)
    assert after["migrate (preview)"] is Conclusion.SUCCESS
    assert after["migrate (branch)"] is after["database"] is Conclusion.SKIPPED


def test_a_closed_pull_request_gets_no_answer(shared_shop: Shop) -> None:
    fork = shared_shop.github.fork(shared_shop.repository, owner=shared_shop.github.user("mallory"))
    sha = shared_shop.github.push(fork, "closed")
    pull_request = shared_shop.github.open_pull_request(
        shared_shop.repository, "closed", head_repository=fork
    )
    shared_shop.github.close(pull_request)

    answer_pull_request(
        shared_shop.services,
        RepositoryId(shared_shop.repository.id),
        PullRequestNumber(pull_request.number),
    )

    assert conclusions(shared_shop, sha) == {}


def test_a_merge_group_is_looked_at_again_for_an_end_that_nobody_tells(shared_shop: Shop) -> None:
    shared_shop.push("queued")
    queue = shared_shop.github.queue_merge(
        shared_shop.github.open_pull_request(shared_shop.repository, "queued")
    )
    run = shared_shop.job(queue, event="merge_group").run
    shared_shop.world.settle()
    shared_shop.world.put_retries_forward()
    shared_shop.world.settle()

    shared_shop.github.hook.hold()
    shared_shop.github.complete_run(run)
    shared_shop.github.hook.release([])
    shared_shop.world.put_retries_forward()
    shared_shop.world.settle()

    assert conclusions(shared_shop, run.head_sha) == dict.fromkeys(REQUIRABLE, Conclusion.SKIPPED)


def test_a_merge_group_without_a_workflow_is_answered_in_full(shared_shop: Shop) -> None:
    shared_shop.push("queued-without")
    queue = shared_shop.github.queue_merge(
        shared_shop.github.open_pull_request(shared_shop.repository, "queued-without")
    )
    sha = shared_shop.github.branch_head(shared_shop.repository, queue) or ""
    shared_shop.world.settle()

    shared_shop.world.put_retries_forward()
    shared_shop.world.settle()

    assert conclusions(shared_shop, sha) == dict.fromkeys(REQUIRABLE, Conclusion.SKIPPED)

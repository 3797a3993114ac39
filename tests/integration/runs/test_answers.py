"""Required checks never stay unanswered."""

from app.core.checks import Conclusion
from app.core.identifiers import CommitSha, PullRequestNumber, RepositoryId
from app.operations.pull_requests.commits import answer_commit, answer_pull_request
from tests.integration.runs.shop import Shop

REQUIRABLE = {"database", "migrate (branch)", "migrate (preview)"}


def conclusions(shop: Shop, sha: str) -> dict[str, Conclusion | None]:
    return {name: content.conclusion for name, content in shop.checks(sha).items()}


def answer(shop: Shop, sha: str) -> None:
    answer_commit(shop.services, RepositoryId(shop.repository.id), CommitSha(sha))


def test_a_forks_pull_request_is_answered_at_once(shop: Shop) -> None:
    fork = shop.github.fork(shop.repository, owner=shop.github.user("mallory"))
    sha = shop.github.push(fork, "x")

    shop.github.open_pull_request(shop.repository, "x", head_repository=fork)
    shop.world.settle()

    assert conclusions(shop, sha) == dict.fromkeys(REQUIRABLE, Conclusion.SKIPPED)


def test_an_ignored_branch_is_answered_at_once(shop: Shop) -> None:
    shop.set_policies(ignore_patterns=("docs/**",))
    sha = shop.push("docs/typo")

    shop.github.open_pull_request(shop.repository, "docs/typo")
    shop.world.settle()

    assert conclusions(shop, sha) == dict.fromkeys(REQUIRABLE, Conclusion.SKIPPED)


def test_an_open_pull_requests_head_says_that_its_database_is_ready(shop: Shop) -> None:
    shop.push("x")
    shop.github.open_pull_request(shop.repository, "x")

    sha = shop.push("x")

    assert conclusions(shop, sha)["database"] is Conclusion.SUCCESS


def test_a_head_whose_workflows_ended_without_a_migration_is_answered(shop: Shop) -> None:
    sha = shop.push("x")
    shop.github.open_pull_request(shop.repository, "x")
    run = shop.job("x").run

    answer(shop, sha)
    before = conclusions(shop, sha)
    shop.github.complete_run(run)
    shop.world.settle()

    assert "migrate (branch)" not in before
    after = conclusions(shop, sha)
    assert after["migrate (branch)"] is after["migrate (preview)"] is Conclusion.SKIPPED
    assert after["database"] is Conclusion.SUCCESS


def test_a_result_is_never_replaced_by_skipped(shop: Shop) -> None:
    sha = shop.push("x")
    shop.github.open_pull_request(shop.repository, "x")
    job = shop.job("x").begun(environments=["branch"])
    job.migrate("branch", "failure")

    shop.github.complete_run(job.run)
    shop.world.settle()

    after = conclusions(shop, sha)
    assert after["migrate (branch)"] is Conclusion.FAILURE
    assert after["migrate (preview)"] is Conclusion.SKIPPED


def test_a_head_without_any_workflow_is_answered(shop: Shop) -> None:
    sha = shop.push("x")
    shop.github.open_pull_request(shop.repository, "x")

    answer(shop, sha)

    assert conclusions(shop, sha)["migrate (branch)"] is Conclusion.SKIPPED


def test_a_merge_group_is_answered_in_full_when_its_workflows_ended(shop: Shop) -> None:
    shop.push("x")
    pull_request = shop.github.open_pull_request(shop.repository, "x")
    queue = shop.github.queue_merge(pull_request)
    job = shop.job(queue, event="merge_group").begun()
    job.migrate("preview")

    shop.github.complete_run(job.run)
    shop.world.settle()

    after = conclusions(shop, job.run.head_sha)
    assert after["migrate (preview)"] is Conclusion.SUCCESS
    assert after["migrate (branch)"] is after["database"] is Conclusion.SKIPPED


def test_a_closed_pull_request_gets_no_answer(shop: Shop) -> None:
    fork = shop.github.fork(shop.repository, owner=shop.github.user("mallory"))
    sha = shop.github.push(fork, "x")
    pull_request = shop.github.open_pull_request(shop.repository, "x", head_repository=fork)
    shop.github.close(pull_request)

    answer_pull_request(
        shop.services, RepositoryId(shop.repository.id), PullRequestNumber(pull_request.number)
    )

    assert conclusions(shop, sha) == {}


def test_a_merge_group_is_looked_at_again_for_an_end_that_nobody_tells(shop: Shop) -> None:
    shop.push("x")
    queue = shop.github.queue_merge(shop.github.open_pull_request(shop.repository, "x"))
    run = shop.job(queue, event="merge_group").run
    shop.world.settle()
    shop.world.put_retries_forward()
    shop.world.settle()

    shop.github.hook.hold()
    shop.github.complete_run(run)
    shop.github.hook.release([])
    shop.world.put_retries_forward()
    shop.world.settle()

    assert conclusions(shop, run.head_sha) == dict.fromkeys(REQUIRABLE, Conclusion.SKIPPED)


def test_a_merge_group_without_a_workflow_is_answered_in_full(shop: Shop) -> None:
    shop.push("x")
    queue = shop.github.queue_merge(shop.github.open_pull_request(shop.repository, "x"))
    sha = shop.github.branch_head(shop.repository, queue) or ""
    shop.world.settle()

    shop.world.put_retries_forward()
    shop.world.settle()

    assert conclusions(shop, sha) == dict.fromkeys(REQUIRABLE, Conclusion.SKIPPED)

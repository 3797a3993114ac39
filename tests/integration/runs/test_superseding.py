"""A commit that is older than what a database already holds is not run on it."""

from app.core.checks import Conclusion
from demo.github.faults import server_error
from tests.integration.runs.shop import Shop


def test_an_older_commit_is_superseded(shop: Shop) -> None:
    shop.push("x")
    old = shop.job("x").begun()
    shop.push("x")
    shop.job("x").begun().migrate("branch")

    answer = old.ask("branch").json

    assert answer is not None
    assert answer["result"] == "superseded"
    check = shop.checks(old.run.head_sha)["migrate (branch)"]
    assert check.conclusion is Conclusion.SKIPPED
    assert old.ask("branch").json == answer


def test_a_commit_that_failed_supersedes_nothing(shop: Shop) -> None:
    shop.push("x")
    old = shop.job("x").begun()
    shop.push("x")
    shop.job("x").begun().migrate("branch", "failure")

    assert old.ask("branch").status_code == 200


def test_the_branch_runs_while_github_cannot_tell_the_ancestry(shop: Shop) -> None:
    shop.push("x")
    shop.job("x").begun().migrate("branch")
    shop.push("x")
    job = shop.job("x").begun()
    shop.github.faults.plan(server_error(), path="/compare/", times=20)

    assert job.ask("branch").status_code == 200

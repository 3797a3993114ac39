"""A commit that is older than what a database already holds is not run on it."""

import pytest

from app.core.checks import Conclusion
from demo.github.faults import server_error
from tests.integration.runs.shop import Shop, refusal


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


@pytest.mark.parametrize("result", ["failure", "never-connected"])
def test_a_commit_that_was_not_migrated_supersedes_nothing(shop: Shop, result: str) -> None:
    shop.push("x")
    old = shop.job("x").begun()
    shop.push("x")
    shop.job("x").begun().migrate("branch", result)

    answer = old.ask("branch").json

    assert answer is not None
    assert answer["result"] == "go"
    assert shop.database("branch", "x").migrated_sha is None


def test_the_branch_runs_while_github_cannot_tell_the_ancestry(shop: Shop) -> None:
    shop.push("x")
    shop.job("x").begun().migrate("branch")
    shop.push("x")
    job = shop.job("x").begun()
    shop.github.faults.plan(server_error(), path="/compare/", times=20)

    assert job.ask("branch").status_code == 200


@pytest.mark.usefixtures("production_and_preview")
def test_a_branch_that_is_forced_back_is_migrated_again(shop: Shop) -> None:
    first = shop.push("x")
    shop.job("x").begun().migrate("branch")
    shop.push("x")
    newer = shop.job("x").begun()
    newer.migrate("branch")
    newer.migrate("preview")
    shop.github.force_push(shop.repository, "x", first)

    back = shop.job("x").begun()
    back.migrate("branch")
    back.migrate("preview")

    assert back.run.head_sha == first
    assert shop.database("branch", "x").migrated_sha == first
    assert shop.checks(first)["migrate (preview)"].conclusion is Conclusion.SUCCESS


@pytest.mark.usefixtures("production_and_preview")
def test_production_follows_a_default_branch_that_is_forced_back(shop: Shop) -> None:
    first = shop.push("main")
    shop.push("main")
    newer = shop.job().begun()
    newer.migrate("preview")
    newer.migrate("production")
    shop.github.force_push(shop.repository, "main", first)

    back = shop.job().begun()
    back.migrate("preview")
    back.migrate("production")

    assert shop.database("production").migrated_sha == first


@pytest.mark.usefixtures("production_and_preview")
def test_production_waits_until_github_tells_the_head(shop: Shop) -> None:
    first = shop.push("main")
    shop.push("main")
    newer = shop.job().begun()
    newer.migrate("preview")
    newer.migrate("production")
    shop.github.force_push(shop.repository, "main", first)
    back = shop.job().begun()
    back.migrate("preview")
    shop.github.faults.plan(server_error(), path="/branches/", times=20)

    answer = back.ask("production")

    assert refusal(answer)[0] == 503


def test_a_branch_runs_while_github_cannot_tell_its_head(shop: Shop) -> None:
    shop.push("x")
    old = shop.job("x").begun()
    shop.push("x")
    shop.job("x").begun().migrate("branch")
    shop.github.faults.plan(server_error(), path="/branches/", times=20)

    assert old.ask("branch").status_code == 200


@pytest.mark.usefixtures("production_and_preview")
def test_preview_keeps_what_lives_on_another_branch(shop: Shop) -> None:
    older = shop.push("x")
    shop.push("x")
    shop.job("x").begun().migrate("preview")
    shop.github.create_branch(shop.repository, "late", sha=older)

    behind = shop.job("late").begun().ask("preview").json
    shop.github.delete_branch(shop.repository, "x")
    alone = shop.job("late").begun().ask("preview").json

    assert behind is not None
    assert alone is not None
    assert (behind["result"], alone["result"]) == ("superseded", "go")


@pytest.mark.usefixtures("production_and_preview")
def test_preview_keeps_what_was_merged_from_a_branch_that_is_gone(shop: Shop) -> None:
    older = shop.push("x")
    newer = shop.push("x")
    shop.job("x").begun().migrate("preview")
    shop.github.create_branch(shop.repository, "late", sha=older)
    shop.github.force_push(shop.repository, "main", newer)
    shop.github.delete_branch(shop.repository, "x")

    answer = shop.job("late").begun().ask("preview").json

    assert answer is not None
    assert answer["result"] == "superseded"

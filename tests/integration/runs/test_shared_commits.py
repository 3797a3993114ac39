"""Two branches on one commit, each with a database of its own, and one check run for both."""

import pytest

from app.core.databases import DatabaseState
from app.core.identifiers import AppId, CommitSha
from app.operations.databases.provisioning import report_database
from demo.github.model import CheckRun
from tests.integration import states
from tests.integration.runs.shop import Job, Shop

MIGRATE = "migrate (branch)"


@pytest.fixture
def sha(shop: Shop) -> str:
    """The head of `x` and of `y`."""
    made = shop.push("x")
    shop.github.create_branch(shop.repository, "y", sha=made)
    shop.world.settle()
    return made


def shown(shop: Shop, sha: str, name: str = MIGRATE) -> CheckRun:
    """What GitHub shows under a name; there is one of it."""
    [run] = [each for each in shop.github.check_runs(shop.repository, sha) if each.name == name]
    return run


def conclusion(shop: Shop, sha: str, name: str = MIGRATE) -> str | None:
    shop.world.put_retries_forward()
    shop.world.settle()
    return shown(shop, sha, name).conclusion


def migrated(shop: Shop, branch: str, result: str) -> Job:
    job = shop.job(branch).begun(environments=["branch"])
    job.migrate("branch", result)
    shop.github.complete_run(job.run, result)
    return job


@pytest.mark.parametrize("order", [("x", "y"), ("y", "x")], ids=str)
def test_one_branchs_success_hides_no_failure_of_another(
    shop: Shop, sha: str, order: tuple[str, str]
) -> None:
    for branch in order:
        migrated(shop, branch, "failure" if branch == "x" else "success")

    assert conclusion(shop, sha) == "failure"
    said = shown(shop, sha).output
    assert "- `x`: Failed with exit code 1" in said["summary"]
    assert "- `y`: Migrated in" in said["summary"]


def test_it_turns_green_once_the_failed_one_has_succeeded(shop: Shop, sha: str) -> None:
    migrated(shop, "x", "failure")
    migrated(shop, "y", "success")

    migrated(shop, "x", "success")

    assert conclusion(shop, sha) == "success"


def test_what_is_under_way_is_no_success_and_hides_no_failure(shop: Shop, sha: str) -> None:
    migrated(shop, "y", "success")
    shop.job("x").begun(environments=["branch"]).given("branch")
    assert conclusion(shop, sha) is None

    migrated(shop, "y", "failure")

    assert conclusion(shop, sha) == "failure"


@pytest.mark.parametrize("order", [("x", "y"), ("y", "x")], ids=str)
def test_rerun_starts_the_failed_branchs_job(shop: Shop, sha: str, order: tuple[str, str]) -> None:
    jobs = {one: migrated(shop, one, "failure" if one == "x" else "success") for one in order}
    shop.world.settle()
    writer = shop.github.grant(shop.repository, "writer", "write")

    shop.github.rerequest(shown(shop, sha), user=writer)
    shop.world.settle()

    assert (jobs["x"].run.attempt, jobs["y"].run.attempt) == (2, 1)


def told(shop: Shop, branch: str, sha: str) -> None:
    database = shop.database("branch", branch)
    report_database(shop.services.store, shop.assignment(), database, CommitSha(sha))


@pytest.mark.parametrize("order", [("x", "y"), ("y", "x")], ids=str)
def test_a_ready_database_hides_no_broken_one_and_fix_mends_that(
    shop: Shop, sha: str, order: tuple[str, str]
) -> None:
    with shop.services.store.databases.exclusively(shop.database("branch", "x").id) as broken:
        states.fail(shop.services, broken)
    for branch in order:
        told(shop, branch, sha)
    assert conclusion(shop, sha, "database") == "failure"
    writer = shop.github.grant(shop.repository, "writer", "write")

    shop.github.press_button(shown(shop, sha, "database"), "fix", user=writer)
    shop.world.settle()

    assert shop.database("branch", "x").state is DatabaseState.READY
    assert conclusion(shop, sha, "database") == "success"


def test_a_branch_that_moves_on_counts_no_more_where_it_was(shop: Shop, sha: str) -> None:
    migrated(shop, "x", "failure")
    migrated(shop, "y", "success")
    assert conclusion(shop, sha) == "failure"

    shop.push("x")

    assert conclusion(shop, sha) == "success"
    assert "several branches" not in shown(shop, sha).output["summary"]


def test_a_branch_that_is_deleted_counts_no_more(shop: Shop, sha: str) -> None:
    migrated(shop, "x", "failure")
    migrated(shop, "y", "success")

    shop.github.delete_branch(shop.repository, "x")
    shop.world.settle()

    assert conclusion(shop, sha) == "success"


def test_the_last_branch_that_leaves_a_commit_leaves_its_result_there(shop: Shop, sha: str) -> None:
    migrated(shop, "x", "failure")

    shop.push("x")
    shop.world.reconcile()

    assert conclusion(shop, sha) == "failure"


def test_who_comes_to_a_commit_later_hears_nothing_of_who_was_there(shop: Shop, sha: str) -> None:
    shop.github.delete_branch(shop.repository, "y")
    migrated(shop, "x", "failure")
    shop.push("x")
    shop.world.reconcile()

    shop.github.create_branch(shop.repository, "z", sha=sha)
    shop.world.settle()
    migrated(shop, "z", "success")

    assert conclusion(shop, sha) == "success"


@pytest.mark.usefixtures("production_and_preview")
def test_lost_news_of_a_branch_that_moved_on_is_found_by_a_reconcile(shop: Shop, sha: str) -> None:
    migrated(shop, "x", "failure")
    migrated(shop, "y", "success")
    shop.world.settle()
    shop.repository.git.set_branch("x", shop.github.branch_head(shop.repository, "main") or "")

    shop.world.reconcile()

    assert conclusion(shop, sha) == "success"


@pytest.mark.usefixtures("production_and_preview")
def test_preview_beside_a_branch_hides_no_failure_on_the_default_branch(shop: Shop) -> None:
    sha = shop.github.branch_head(shop.repository, "main") or ""
    shop.set_policies(preview_failure="keep")
    shop.github.create_branch(shop.repository, "x", sha=sha)
    shop.world.settle()
    main = shop.job().begun(environments=["preview"])
    main.migrate("preview", "failure")

    beside = shop.job("x").begun()
    beside.migrate("branch")
    beside.migrate("preview", "failure")

    assert conclusion(shop, sha, "migrate (preview)") == "failure"


def test_two_apps_keep_their_own_names(shop: Shop, sha: str) -> None:
    shop.world.assign(AppId(f"{shop.app_id}2"))
    for app, result in ((shop.app_id, "success"), (f"{shop.app_id}2", "failure")):
        job = shop.job("x").begun(app=app, environments=["branch"])
        job.ask("branch")  # which has it made, where it was not yet
        shop.world.settle()
        job.migrate("branch", result)

    assert conclusion(shop, sha) == "success"
    assert conclusion(shop, sha, f"migrate (branch, {shop.app_id}2)") == "failure"

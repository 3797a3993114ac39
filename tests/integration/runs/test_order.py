"""Preview before production, and what a failing preview causes."""

import pytest

from app.core.assignments import PreviewFailure, PreviewPolicy
from app.core.checks import Conclusion
from tests.integration.runs.reaping import reap
from tests.integration.runs.shop import Shop, query, refusal

pytestmark = pytest.mark.usefixtures("production_and_preview")


def test_production_waits_for_preview(shop: Shop) -> None:
    job = shop.job().begun()
    before = job.ask("production")
    job.given("preview")
    meanwhile = job.ask("production")
    job.report("preview")

    after = job.ask("production")

    assert refusal(before) == refusal(meanwhile) == (409, "waiting")
    assert after.json is not None
    assert after.json["result"] == "go"


def test_production_follows_a_preview_to_which_nobody_connected(shop: Shop) -> None:
    job, alone = shop.job().begun(), shop.job().begun(environments=["production"])

    verdict = job.migrate("preview", "never-connected")

    assert (verdict["next"], verdict["fails"]) == ("done", False)
    assert "never connected" in verdict["message"]
    check = shop.checks(job.run.head_sha)["migrate (preview)"]
    assert check.conclusion is Conclusion.NEUTRAL
    assert "never connected to it" in check.title
    assert alone.ask("production").status_code == 200
    alone.report("production", "never-connected")
    assert job.ask("production").status_code == 200


def test_production_needs_no_preview_when_the_assignment_has_none(shop: Shop) -> None:
    shop.set_policies(preview=PreviewPolicy.OFF)
    job = shop.job().begun()

    assert job.migrate("production") == {
        "next": "done",
        "fails": False,
        "message": "production: success.",
        "summary": "",
    }


def test_production_alone_needs_the_previews_success_with_that_commit(shop: Shop) -> None:
    early = shop.job().begun(environments=["production"])
    refused = early.ask("production")
    shop.job().begun(environments=["preview"]).migrate("preview")

    given = early.ask("production")

    assert refusal(refused) == (403, "preview_not_migrated")
    assert given.status_code == 200


def test_a_failing_preview_is_emptied_and_tried_once_more(shop: Shop) -> None:
    job = shop.job().begun()
    query(job.given("preview"), "CREATE TABLE stale (id int)")

    verdict = job.report("preview", "failure").json
    waiting = job.ask("preview")
    shop.world.settle()
    again = job.given("preview")

    assert verdict is not None
    assert (verdict["next"], verdict["fails"]) == ("again", False)
    assert refusal(waiting) == (409, "creating")
    assert query(again, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'") == [(0,)]


def test_no_other_run_gets_a_preview_that_is_about_to_be_emptied(shop: Shop) -> None:
    shop.push("x")
    job, other = shop.job().begun(), shop.job("x").begun()

    job.migrate("preview", "failure")

    assert refusal(other.ask("preview")) == (409, "creating")


def test_production_follows_a_preview_that_was_rebuilt(shop: Shop) -> None:
    job = shop.job().begun()
    job.migrate("preview", "failure")
    waits = job.ask("production")
    shop.world.settle()
    job.migrate("preview")

    assert refusal(waits) == (409, "waiting")
    assert job.ask("production").status_code == 200
    check = shop.checks(job.run.head_sha)["migrate (preview)"]
    assert check.conclusion is Conclusion.SUCCESS
    assert "**made anew**" in check.summary


def test_a_preview_that_fails_twice_leaves_production_untouched(shop: Shop) -> None:
    job = shop.job().begun()
    job.migrate("preview", "failure")
    shop.world.settle()

    verdict = job.migrate("preview", "failure")
    answer = job.ask("production").json

    assert (verdict["next"], verdict["fails"]) == ("done", True)
    assert answer is not None
    assert answer["result"] == "skipped"
    assert "untouched" in answer["message"]
    checks = shop.checks(job.run.head_sha)
    assert checks["migrate (preview)"].conclusion is Conclusion.FAILURE
    assert checks["migrate (production)"].conclusion is Conclusion.SKIPPED


def test_a_preview_that_nobody_reported_leaves_production_untouched(shop: Shop) -> None:
    job = shop.job().begun()
    query(job.given("preview"), "CREATE TABLE kept (id int)")
    shop.world.pass_time(seconds=61)
    reap(shop.services)
    shop.world.settle()

    answer = job.ask("production").json
    late = job.report("preview", "failure").json

    assert answer is not None
    assert answer["result"] == "skipped"
    assert late is not None
    assert (late["next"], late["fails"]) == ("done", True)
    assert refusal(job.ask("preview")) == (403, "already_ended")


def test_a_preview_whose_command_was_cancelled_or_never_ran_is_not_emptied(shop: Shop) -> None:
    job, later = shop.job().begun(), shop.job().begun()
    query(job.given("preview"), "CREATE TABLE kept (id int)")

    verdict = job.report("preview", "failure", exit_code=None).json
    shop.world.settle()

    assert verdict is not None
    assert (verdict["next"], verdict["fails"]) == ("done", True)
    assert query(later.given("preview"), "SELECT count(*) FROM kept") == [(0,)]


def test_an_assignment_may_keep_a_failed_preview(shop: Shop) -> None:
    shop.set_policies(preview_failure=PreviewFailure.KEEP)
    job = shop.job().begun()

    verdict = job.migrate("preview", "failure")

    assert (verdict["next"], verdict["fails"]) == ("done", True)
    assert shop.world.jobs() == ["outbox:post"] * len(shop.world.jobs())


def test_preview_beside_a_branch_fails_neutrally_and_is_kept(shop: Shop) -> None:
    sha = shop.push("x")
    job = shop.job("x").begun()

    verdict = job.migrate("preview", "failure")

    assert (verdict["next"], verdict["fails"]) == ("done", False)
    assert shop.checks(sha)["migrate (preview)"].conclusion is Conclusion.NEUTRAL


def test_preview_alone_fails_the_step(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun(environments=["preview"])

    assert job.migrate("preview", "failure")["fails"] is True

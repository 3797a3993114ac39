"""The seed command of a run: told once for each new database, and part of the result."""

from typing import Any

import pytest

from app.core.assignments import PreviewPolicy
from app.core.checks import Conclusion
from app.core.identifiers import RunId
from app.core.people import Change
from app.operations import access
from app.operations.administration import databases
from tests.integration import by_hand
from tests.integration.runs.reaping import reap
from tests.integration.runs.shop import Job, Shop, can_log_in, query, refusal

SEED = "npx prisma db seed"
SEEDED: dict[str, Any] = {"result": "success", "exit_code": 0, "duration_seconds": 0.5, "log": ""}
FAILED: dict[str, Any] = {
    "result": "failure",
    "exit_code": 3,
    "duration_seconds": 0.5,
    "log": "no such file",
}


def seeding_job(shop: Shop, branch: str | None = "x", **body: Any) -> Job:
    return shop.job(branch).begun(seed_command=SEED, **body)


def is_told_to_seed(job: Job, environment: str) -> bool:
    answer = job.ask(environment)
    assert answer.status_code == 200, answer.json
    assert answer.json is not None
    return bool(answer.json["seed"])


def seed(job: Job, environment: str, outcome: dict[str, Any] = SEEDED) -> dict[str, Any]:
    """Migrate with success, seed as told, and report both; the answer to the report."""
    assert is_told_to_seed(job, environment)
    answer = job.report(environment, seed=outcome)
    assert answer.status_code == 200, answer.json
    verdict: dict[str, Any] = answer.json or {}
    return verdict


def test_a_new_database_is_seeded_once(shop: Shop) -> None:
    sha = shop.push("x")

    verdict = seed(seeding_job(shop), "branch")

    assert verdict == {"next": "done", "fails": False, "message": "branch: success.", "summary": ""}
    check = shop.checks(sha)["migrate (branch)"]
    assert (check.conclusion, check.title) == (
        Conclusion.SUCCESS,
        "Migrated in 1.5 s, seeded in 500 ms",
    )
    assert not is_told_to_seed(seeding_job(shop), "branch")


def test_what_never_connected_has_neither_migrated_nor_seeded(shop: Shop) -> None:
    shop.push("x")
    unseen = {**SEEDED, "result": "never-connected"}

    seeding_job(shop).migrate("branch", "never-connected")
    verdict = seed(seeding_job(shop), "branch", unseen)
    again = seeding_job(shop)

    assert (verdict["fails"], "seed command" in verdict["message"]) == (False, True)
    check = shop.checks(again.run.head_sha)["migrate (branch)"]
    assert (check.conclusion, check.title) == (
        Conclusion.NEUTRAL,
        "Migrated in 1.5 s, but the seed command never connected to it",
    )
    assert is_told_to_seed(again, "branch")


def test_an_exported_login_stays_although_nobody_connected(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun(export_env=True)
    variables = job.given("branch")

    job.report("branch", "never-connected")

    assert can_log_in(variables)


def test_the_assignments_command_seeds_when_the_workflow_has_none(shop: Shop) -> None:
    shop.set_policies(seed_command="make seed")
    shop.push("x")

    of_assignment = shop.job("x").begin().json
    of_workflow = shop.job("x").begin(seed_command=SEED).json

    assert of_assignment is not None
    assert of_assignment["seed_command"] == "make seed"
    assert of_workflow is not None
    assert of_workflow["seed_command"] == SEED


def test_without_a_seed_command_nothing_is_seeded(shop: Shop) -> None:
    shop.push("x")

    assert not is_told_to_seed(shop.job("x").begun(), "branch")


def test_a_database_that_was_migrated_before_is_not_new(shop: Shop) -> None:
    shop.push("x")
    shop.job("x").begun().migrate("branch")

    assert not is_told_to_seed(seeding_job(shop), "branch")


def test_a_failed_seed_fails_the_check_and_leaves_the_database_migrated(shop: Shop) -> None:
    sha = shop.push("x")

    verdict = seed(seeding_job(shop), "branch", FAILED)

    assert verdict["fails"] is True
    assert "migrated, but the seed command" in verdict["message"]
    check = shop.checks(sha)["migrate (branch)"]
    assert check.conclusion is Conclusion.FAILURE
    assert check.title == "Migrated in 1.5 s, but the seed command failed with exit code 3"
    assert "**The migration itself succeeded**" in check.summary
    assert f"`{SEED}`" in check.summary
    assert shop.database("branch", "x").migrated_sha == sha


def test_a_failed_seed_is_tried_again_until_it_succeeds(shop: Shop) -> None:
    shop.push("x")
    seed(seeding_job(shop), "branch", FAILED)
    shop.job("x").begun().migrate("branch")  # without a seed command: nothing changes

    seed(seeding_job(shop), "branch", FAILED | {"result": "timed-out", "exit_code": None})
    seed(seeding_job(shop), "branch")

    assert not is_told_to_seed(seeding_job(shop), "branch")


def test_a_failed_migration_is_not_followed_by_a_seed(shop: Shop) -> None:
    shop.push("x")
    job = seeding_job(shop)
    assert is_told_to_seed(job, "branch")

    refused = job.report("branch", "failure", seed=SEEDED)
    job.report("branch", "failure")

    assert refusal(refused) == (400, "invalid")
    assert is_told_to_seed(seeding_job(shop), "branch")


def test_a_seed_of_which_nothing_is_heard_stays_due(shop: Shop) -> None:
    shop.push("x")

    seeding_job(shop).migrate("branch")

    assert is_told_to_seed(seeding_job(shop), "branch")


def test_a_runner_that_dies_while_it_seeds_leaves_the_seed_due(shop: Shop) -> None:
    shop.push("x")
    assert is_told_to_seed(seeding_job(shop), "branch")
    shop.world.pass_time(seconds=61)
    reap(shop.services)

    assert is_told_to_seed(seeding_job(shop), "branch")


def test_a_second_run_waits_and_then_does_not_seed_again(shop: Shop) -> None:
    shop.push("x")
    first, second = seeding_job(shop), seeding_job(shop)
    assert is_told_to_seed(first, "branch")

    assert refusal(second.ask("branch")) == (409, "busy")
    first.report("branch", seed=SEEDED)

    assert not is_told_to_seed(second, "branch")


def test_asking_again_gives_the_same_answer(shop: Shop) -> None:
    shop.push("x")
    job = seeding_job(shop)

    assert is_told_to_seed(job, "branch")
    assert is_told_to_seed(job, "branch")


def test_the_first_report_of_a_seed_stands(shop: Shop) -> None:
    shop.push("x")
    job = seeding_job(shop)
    first = seed(job, "branch", FAILED)

    assert job.report("branch", seed=SEEDED).json == first
    assert is_told_to_seed(seeding_job(shop), "branch")


def test_an_emptied_database_is_seeded_again(shop: Shop) -> None:
    shop.push("x")
    seed(seeding_job(shop), "branch")

    by_hand.reset(shop.services, shop.database("branch", "x"))

    assert is_told_to_seed(seeding_job(shop), "branch")


def test_a_restored_database_keeps_its_seed(shop: Shop) -> None:
    shop.push("x")
    seed(seeding_job(shop), "branch")

    by_hand.delete(shop.services, shop.database("branch", "x"))
    by_hand.restore(shop.services, shop.database("branch", "x"))

    assert not is_told_to_seed(seeding_job(shop), "branch")


@pytest.mark.usefixtures("production_and_preview")
def test_a_rebuilt_preview_is_seeded_on_the_second_try(shop: Shop) -> None:
    job = seeding_job(shop, None)
    assert is_told_to_seed(job, "preview")
    job.report("preview", "failure")
    shop.world.settle()

    verdict = seed(job, "preview")

    assert verdict["fails"] is False


@pytest.mark.usefixtures("production_and_preview")
def test_production_is_migrated_and_not_seeded(shop: Shop) -> None:
    job = seeding_job(shop, None)
    seed(job, "preview")

    assert not is_told_to_seed(job, "production")


@pytest.mark.usefixtures("production_and_preview")
def test_production_is_seeded_when_the_assignment_says_so(shop: Shop) -> None:
    shop.set_policies(seed_production=True, preview=PreviewPolicy.OFF)

    assert is_told_to_seed(seeding_job(shop, None), "production")


@pytest.mark.usefixtures("production_and_preview")
def test_production_follows_a_preview_whose_seed_failed(shop: Shop) -> None:
    job = seeding_job(shop, None)

    verdict = seed(job, "preview", FAILED)

    assert verdict["fails"] is True
    assert job.ask("production").status_code == 200


@pytest.mark.usefixtures("production_and_preview")
def test_a_failed_seed_of_preview_beside_a_branch_is_neutral(shop: Shop) -> None:
    sha = shop.push("x")

    verdict = seed(seeding_job(shop), "preview", FAILED)

    assert verdict["fails"] is False
    assert shop.checks(sha)["migrate (preview)"].conclusion is Conclusion.NEUTRAL


def test_an_exported_login_ends_when_the_seed_failed(shop: Shop) -> None:
    shop.push("x")
    job = seeding_job(shop, export_env=True)
    variables = job.given("branch")

    job.report("branch", seed=FAILED)

    assert not can_log_in(variables)


def test_no_secret_stays_in_the_seeds_log(shop: Shop) -> None:
    sha = shop.push("x")
    job = seeding_job(shop)
    variables = job.given("branch")

    job.report("branch", seed=FAILED | {"log": f"{variables['DATABASE_URL']}\n\x1b[31mbad"})

    [migration] = shop.services.store.migrations.of_run(RunId(job.id))
    assert migration.seeding is not None
    assert ":***@" in migration.seeding.log_tail
    assert migration.seeding.log_tail.endswith("\nbad")
    assert variables["PGPASSWORD"] not in str(shop.checks(sha))


@pytest.mark.parametrize("seed_command", ["", SEED])
def test_the_login_lasts_for_both_commands(shop: Shop, seed_command: str) -> None:
    shop.push("x")
    job = shop.job("x").begun(seed_command=seed_command, timeout_minutes=10)

    [(minutes,)] = query(
        job.given("branch"),
        "SELECT round(extract(epoch FROM rolvaliduntil - now()) / 60)::int FROM pg_roles"
        " WHERE rolname = session_user",
    )

    assert minutes == (22 if seed_command else 12)


def test_a_run_for_credentials_alone_seeds_nothing(shop: Shop) -> None:
    shop.push("x")

    assert not is_told_to_seed(seeding_job(shop, migrate=False), "branch")
    assert is_told_to_seed(seeding_job(shop), "branch")


def test_a_superseded_run_seeds_nothing(shop: Shop) -> None:
    shop.push("x")
    old = seeding_job(shop)
    shop.push("x")
    shop.job("x").begun().migrate("branch")
    databases.seed(
        shop.services, access.database(shop.services, shop.database("branch", "x").id, Change)
    )

    answer = old.ask("branch").json

    assert answer is not None
    assert answer["result"] == "superseded"
    assert is_told_to_seed(seeding_job(shop), "branch")

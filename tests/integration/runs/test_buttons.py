"""Buttons on check runs: whoever may press one is obeyed, others are ignored silently."""

import pytest

from app.core.databases import DatabaseState
from app.core.identifiers import CommitSha
from app.operations.databases.provisioning import report_database
from demo.github.model import CheckRun
from tests.integration import states
from tests.integration.runs.shop import Job, Shop


def check_run(shop: Shop, sha: str, name: str) -> CheckRun:
    """What GitHub shows under a name."""
    return next(run for run in shop.github.check_runs(shop.repository, sha) if run.name == name)


def failed(shop: Shop, branch: str | None, environment: str) -> Job:
    """A finished job whose migration failed, its check run posted."""
    job = shop.job(branch).begun(environments=[environment])
    job.migrate(environment, "failure")
    shop.github.complete_run(job.run, "failure")
    shop.world.settle()
    return job


def press_rerun(shop: Shop, job: Job, name: str, *, role: str) -> None:
    user = shop.github.grant(shop.repository, f"{role}r", role)
    shop.github.rerequest(check_run(shop, job.run.head_sha, name), user=user)
    shop.world.settle()


def test_rerun_of_a_branch_needs_write(shop: Shop, subtests: pytest.Subtests) -> None:
    shop.push("x")
    job = failed(shop, "x", "branch")

    for role, attempt in {"read": 1, "triage": 1, "write": 2}.items():
        with subtests.test(role):
            press_rerun(shop, job, "migrate (branch)", role=role)

            assert job.run.attempt == attempt
    shop.github.complete_run(job.run)
    job = failed(shop, "x", "branch")
    with subtests.test("admin"):
        press_rerun(shop, job, "migrate (branch)", role="admin")

        assert job.run.attempt == 2


@pytest.mark.usefixtures("production_and_preview")
def test_rerun_of_production_needs_a_maintainer(shop: Shop) -> None:
    shop.job().begun(environments=["preview"]).migrate("preview")
    job = failed(shop, None, "production")

    press_rerun(shop, job, "migrate (production)", role="write")
    after_write = job.run.attempt
    press_rerun(shop, job, "migrate (production)", role="maintain")

    assert (after_write, job.run.attempt) == (1, 2)


def test_fix_makes_a_failed_database_again_for_those_who_may_write(shop: Shop) -> None:
    sha = break_database(shop)
    states = []

    for role in ("read", "write"):
        user = shop.github.grant(shop.repository, f"{role}r", role)
        shop.github.press_button(check_run(shop, sha, "database"), "fix", user=user)
        shop.world.settle()
        states.append(shop.database("branch", "x").state)

    assert states == [DatabaseState.ERROR, DatabaseState.READY]


def test_a_button_is_in_the_audit_trail(shop: Shop) -> None:
    sha = break_database(shop)
    user = shop.github.grant(shop.repository, "ada", "write")

    shop.github.press_button(check_run(shop, sha, "database"), "fix", user=user)
    shop.world.settle()

    assert ("databases fix", shop.database("branch", "x").name) in [
        (row["action"], row["subject"]) for row in shop.audit()
    ]


def break_database(shop: Shop) -> str:
    """A branch whose database is in error, as its `database` check says; the head's commit."""
    shop.push("x")
    shop.github.open_pull_request(shop.repository, "x")
    shop.world.settle()
    broken = shop.database("branch", "x")
    states.fail(shop.services, broken)
    sha = shop.github.branch_head(shop.repository, "x") or ""
    report_database(
        shop.services.store, shop.assignment(), shop.database("branch", "x"), CommitSha(sha)
    )
    shop.world.settle()
    return sha

"""A report ends the migration, once, and never carries a secret on."""

from dataclasses import asdict, replace
from typing import Any

import pytest

from app.core.checks import Conclusion
from app.core.environments import Environment
from app.core.errors import ServerUnreachable
from app.core.identifiers import RunId
from app.core.runs import MigrationResult
from app.core.traces import Size
from app.operations.runs import results
from app.operations.runs.results import Report
from tests.integration.runs.reaping import reap
from tests.integration.runs.shop import Job, Shop, can_log_in, refusal


def test_a_success_is_told_on_the_commit_and_remembered(shop: Shop) -> None:
    sha = shop.push("x")

    verdict = shop.job("x").begun().migrate("branch")

    assert verdict == {"next": "done", "fails": False, "message": "branch: success.", "summary": ""}
    check = shop.checks(sha)["migrate (branch)"]
    assert (check.conclusion, check.title) == (Conclusion.SUCCESS, "Migrated in 1.5 s")
    assert shop.database("branch", "x").migrated_sha == sha


def test_a_failure_fails_the_step_and_changes_no_last_commit(shop: Shop) -> None:
    shop.push("x")

    verdict = shop.job("x").begun().migrate("branch", "failure")

    assert verdict["fails"] is True
    assert shop.database("branch", "x").migrated_sha is None


def test_the_first_report_stands(shop: Shop) -> None:
    sha = shop.push("x")
    job = shop.job("x").begun()
    first = job.migrate("branch", "failure")

    second = job.report("branch", "success").json

    assert second == first
    assert shop.checks(sha)["migrate (branch)"].conclusion is Conclusion.FAILURE


def test_the_check_run_reaches_github_once(shop: Shop) -> None:
    sha = shop.push("x")

    shop.job("x").begun().migrate("branch")
    shop.world.settle()

    posted = [run for run in shop.github.check_runs(shop.repository, sha) if "migrate" in run.name]
    assert [(run.name, run.conclusion) for run in posted] == [("migrate (branch)", "success")]


def test_a_password_in_the_log_is_removed_by_the_service_too(shop: Shop) -> None:
    sha = shop.push("x")
    job = shop.job("x").begun()
    variables = job.given("branch")

    job.report("branch", "failure", log=f"url={variables['DATABASE_URL']}\n\x1b[31mbad\x00\x1b[0m")

    [migration] = shop.services.store.migrations.of_run(RunId(job.id))
    assert variables["PGPASSWORD"] not in migration.log_tail
    assert ":***@" in migration.log_tail
    assert migration.log_tail.endswith("\nbad")
    log, _ = shop.services.store.history.log(migration.id)
    assert variables["PGPASSWORD"] not in log
    assert log.endswith("\n\x1b[31mbad\x1b[0m")
    assert variables["PGPASSWORD"] not in str(shop.checks(sha))


def test_what_a_run_left_unfinished_is_told_on_the_commit_and_kept(shop: Shop) -> None:
    sha = shop.push("x")
    job = shop.job("x").begun()
    password = job.given("branch")["PGPASSWORD"]
    index = {"kind": "index", "namespace": "public", "table": "users", "name": "by_mail"}
    leaking = index | {"kind": "constraint", "name": password}

    assert job.report("branch", "success", unfinished=[index, leaking]).status_code == 200

    [migration] = shop.services.store.migrations.of_run(RunId(job.id))
    assert [asdict(one) for one in migration.unfinished] == [index]
    check = shop.checks(sha)["migrate (branch)"]
    assert (check.conclusion, check.title) == (
        Conclusion.SUCCESS,
        "Migrated in 1.5 s, left an invalid index",
    )
    assert password not in str(check)


def test_a_trace_is_kept_without_the_password(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    password = job.given("branch")["PGPASSWORD"]
    lock = {"relation": "users", "kind": "r", "mode": "ACCESS EXCLUSIVE", "rows": 0, "bytes": 0}
    said = {"sql": "ALTER TABLE users ADD a int", "ms": 0.5, "held_ms": 1000, "transaction": 1}
    leaking = said | {"sql": f"CREATE ROLE a PASSWORD {password}"}
    wrote = {"first": 1, "last": 1, "count": 1, "wal_bytes": 12}
    trace = {"statements": [said | {"locks": [lock]}, leaking], "wal_bytes": 12}
    trace["transactions"] = [wrote]

    answer = job.report("branch", "success", trace=trace)
    assert answer.status_code == 200, answer.json

    [migration] = shop.services.store.migrations.of_run(RunId(job.id))
    kept = shop.services.store.migrations.trace(migration.id)
    assert kept is not None
    assert [asdict(one)["locks"] for one in kept.statements] == [
        (lock | {"is_new": False, "table": ""},)
    ]
    assert (kept.more_statements, kept.wal_bytes) == (1, 12)
    assert [asdict(one) for one in kept.transactions] == [wrote]


@pytest.mark.usefixtures("production_and_preview")
def test_production_alone_tells_how_large_its_tables_are(shop: Shop) -> None:
    sizes = {"public.users": {"rows": 1_200_000, "bytes": 310_000_000}}
    job = shop.job("main").begun()
    job.migrate("preview", tables=sizes)
    assert shop.services.store.measurements.tables(shop.app_id) is None
    job.migrate("production", tables=sizes)

    kept = shop.services.store.measurements.tables(shop.app_id)
    assert kept is not None
    assert kept.tables == {"public.users": Size(rows=1_200_000, bytes=310_000_000)}


def test_the_long_lived_password_is_removed_too(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun(credentials="runtime")
    password = job.given("branch")["PGPASSWORD"]

    job.report("branch", "failure", log=f"password {password}")

    [migration] = shop.services.store.migrations.of_run(RunId(job.id))
    assert migration.log_tail == "password ***"


def test_a_result_without_a_migration_is_refused(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()

    assert refusal(job.report("branch")) == (404, "not_found")


def test_asking_again_after_the_end_gives_no_new_login(shop: Shop) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    job.migrate("branch")

    assert refusal(job.ask("branch")) == (403, "already_ended")


def test_a_result_is_kept_while_postgresql_is_away_and_the_reaper_ends_the_login(
    shop: Shop,
) -> None:
    shop.push("x")
    job = shop.job("x").begun()
    variables = job.given("branch")

    report_while_away(job, "branch")

    [migration] = shop.services.store.migrations.of_run(RunId(job.id))
    assert migration.result is MigrationResult.SUCCESS
    assert can_log_in(variables)
    reap(shop.services)
    assert not can_log_in(variables)


def test_a_login_that_was_left_over_ends_before_the_next_run_gets_the_database(
    shop: Shop,
) -> None:
    shop.push("x")
    first, second = shop.job("x").begun(), shop.job("x").begun()
    variables = first.given("branch")
    report_while_away(first, "branch")

    second.given("branch")

    assert not can_log_in(variables)


def report_while_away(job: Job, environment: str) -> None:
    """Report a success while no server of an instance can be reached."""

    def away(instance: Any) -> Any:
        raise ServerUnreachable("The server does not answer.")

    results.report(
        replace(job.shop.services, server_for=away),
        job.shop.github.token_for(job.run, **job.claims),
        RunId(job.id),
        Environment(environment),
        Report(result=MigrationResult.SUCCESS, exit_code=0, duration_seconds=1, log=""),
    )

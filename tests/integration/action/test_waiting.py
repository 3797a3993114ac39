"""Waiting for databases, and services that are away."""

import pytest

from tests.integration.action.conftest import RealDatabase
from tests.integration.action.scripted import (
    RUNS,
    Reply,
    ScriptedService,
    error_reply,
    run_path,
    verdict,
)
from tests.integration.action.step import Step


@pytest.mark.parametrize("code", ["creating", "restoring", "fixing", "busy", "waiting"])
def test_a_database_that_is_not_ready_is_waited_for(
    step: Step, branch: RealDatabase, service: ScriptedService, code: str
) -> None:
    service.on(run_path("branch"), *[error_reply(409, code, retry_after=0.2)] * 3, branch.go())

    finished = step.run(migration_command="true")

    assert finished.exit_code == 0
    assert len(service.requests(run_path("branch"))) == 4
    assert finished.log.text.count(f"Waiting for {branch.tenant.name}: It is {code}.") == 1


def test_a_cancelled_job_ends_the_waiting_at_once(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch"), error_reply(409, "creating", retry_after=30))
    process = step.start(migration_command="true")
    line = b""
    assert process.stdout
    while b"Waiting for" not in line:
        line = process.stdout.readline()

    process.terminate()
    finished = step.finish(process, timeout_seconds=8)

    assert finished.exit_code == 1
    assert "was cancelled" in finished.log.of("error")[0]


@pytest.mark.parametrize("status", [429, 502, 503, 504])
def test_a_storm_of_faults_is_ridden_out(
    step: Step, branch: RealDatabase, service: ScriptedService, status: int
) -> None:
    fault = Reply(status=status, body=b"<html>bad gateway</html>", headers={"Retry-After": "0"})
    for path, good in (
        (run_path("branch"), branch.go()),
        (run_path("branch", "/result"), verdict()),
    ):
        service.on(path, *[fault] * 5, good)

    finished = step.run(migration_command="true")

    assert finished.exit_code == 0, finished.log.raw
    assert len(service.reports("branch")) == 6


def test_other_statuses_are_not_tried_again(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(RUNS, error_reply(500, "internal"))

    finished = step.run(migration_command="true")

    assert finished.exit_code == 1
    assert len(service.requests(RUNS)) == 1
    assert "is not available: It is internal." in finished.log.of("error")[0]


def test_a_service_that_is_down_is_named_with_what_to_check(
    step: Step, service: ScriptedService
) -> None:
    step.environ["COPPICE_INPUT_SERVICE_URL"] = "http://127.0.0.1:9"
    finished = step.run(migration_command="true")

    assert finished.exit_code == 1
    assert "http://127.0.0.1:9 is not available: it refused" in finished.log.of("error")[0]
    assert "/healthz" in finished.summary


def test_a_result_that_cannot_be_reported_fails_the_step(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(
        run_path("branch", "/result"),
        Reply(status=503, body={"error": "unavailable"}, headers={"Retry-After": "0"}),
    )

    finished = step.run(migration_command="touch ran")

    assert (step.workspace / "ran").exists()
    assert finished.exit_code == 1
    assert "could not be reported" in finished.log.of("error")[-1]
    assert len(service.reports("branch")) == 6


def test_an_expired_token_is_renewed_and_the_request_repeated(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch"), error_reply(401, "token_expired"), branch.go())

    finished = step.run(migration_command="true")

    assert finished.exit_code == 0
    first, second = service.requests(run_path("branch"))
    assert first.token != second.token
    assert all(token in finished.log.masks for token in service.tokens)


def test_one_refused_database_does_not_keep_the_others_from_being_migrated(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    reply = service.answer(RUNS, b"{}", "").body
    both = [{"environment": "preview", "database": f"{reply['app']}-preview"}, *reply["databases"]]
    service.on(RUNS, Reply(body=reply | {"databases": both}))
    service.on(run_path("preview"), error_reply(403, "preview_forbidden"))

    finished = step.run(migration_command="touch $COPPICE_ENVIRONMENT")

    assert (step.workspace / "branch").exists()
    assert finished.exit_code == 1
    assert "It is preview_forbidden." in finished.log.of("error")[0]

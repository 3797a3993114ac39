"""Each cause of a step that does not get as far as a database has a text of its own."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.integration.action.conftest import RealDatabase
from tests.integration.action.scripted import (
    RUN_PAGE,
    RUNS,
    Reply,
    ScriptedService,
    error_reply,
    serving,
)
from tests.integration.action.step import Step

NOTHING = Reply(
    body={
        "result": "skipped",
        "reason": "tag",
        "message": "`v1` is a tag, and tags have no database.",
        "advice": "Let the workflow run on branches.",
    }
)


def pull_request(step: Step, *, head_id: int | None) -> None:
    """Let the step's event be a pull request from this repository to repository 42."""
    head = {"repo": {"id": head_id} if head_id else None}
    event = {"pull_request": {"head": head, "base": {"repo": {"id": 42}}}}
    file = step.folder / "event.json"
    file.write_text(json.dumps(event))
    step.environ["GITHUB_EVENT_PATH"] = str(file)


def without_identity(step: Step) -> None:
    del step.environ["ACTIONS_ID_TOKEN_REQUEST_URL"]
    del step.environ["ACTIONS_ID_TOKEN_REQUEST_TOKEN"]


def test_a_missing_permission_is_named_with_the_lines_to_add(step: Step) -> None:
    without_identity(step)

    finished = step.run(migration_command="true")

    assert finished.exit_code == 1
    assert finished.outputs["result"] == "failure"
    assert "id-token: write" in finished.log.of("error")[0]
    lines = "permissions:\n  contents: read\n  id-token: write\n"
    assert lines in finished.log.text
    assert lines in finished.summary


@pytest.mark.parametrize("head_id", [99, None], ids=["fork", "deleted fork"])
def test_a_fork_is_skipped_with_a_notice_and_no_request(
    step: Step, service: ScriptedService, head_id: int | None
) -> None:
    pull_request(step, head_id=head_id)
    without_identity(step)

    finished = step.run(migration_command="true")

    assert finished.exit_code == 0
    assert finished.outputs["result"] == "skipped"
    assert "comes from a fork" in finished.log.of("notice")[0]
    assert not service.seen
    assert not service.tokens


def test_a_fork_fails_where_the_workflow_says_so(step: Step) -> None:
    pull_request(step, head_id=99)

    finished = step.run(migration_command="true", on_no_database="fail")

    assert finished.exit_code == 1
    assert "comes from a fork" in finished.log.of("error")[0]


def test_a_pull_request_of_the_same_repository_is_no_fork(step: Step, branch: RealDatabase) -> None:
    pull_request(step, head_id=42)

    assert step.run(migration_command="true").outputs["result"] == "success"


@pytest.mark.parametrize(("wish", "exit_code"), [("skip", 0), ("fail", 1)])
def test_a_revision_without_a_database_ends_as_the_input_says(
    step: Step, service: ScriptedService, wish: str, exit_code: int
) -> None:
    service.on(RUNS, NOTHING)

    finished = step.run(migration_command="true", on_no_database=wish)

    assert finished.exit_code == exit_code
    assert finished.outputs["result"] == ("failure" if exit_code else "skipped")
    assert "is a tag" in finished.log.text


@pytest.mark.parametrize("status", [400, 401, 403, 404])
def test_a_refusal_always_fails_in_the_services_words(
    step: Step, service: ScriptedService, status: int
) -> None:
    service.on(RUNS, error_reply(status, "not_assigned"))

    finished = step.run(migration_command="true", on_no_database="skip")

    assert finished.exit_code == 1
    assert finished.log.of("error") == ["It is not_assigned. (not_assigned)"]
    assert "Be patient." in finished.summary


def test_a_wrong_audience_shows_the_address_that_was_used(
    step: Step, service: ScriptedService
) -> None:
    service.on(RUNS, error_reply(401, "wrong_audience"))

    finished = step.run(migration_command="true")

    assert f"service-url: {service.url}" in finished.summary


def test_every_wrong_input_is_named_at_once(step: Step, service: ScriptedService) -> None:
    finished = step.run(
        service_url="http://coppice.example.com",
        app="Shop!",
        environments="branch,dev",
        timeout_minutes="0",
        migrate="maybe",
        working_directory="nowhere",
    )

    assert finished.exit_code == 1
    for name in (
        "service-url",
        "app",
        "environments",
        "timeout-minutes",
        "migrate",
        "working-directory",
    ):
        assert f"`{name}`" in finished.summary
    assert not service.seen


def test_a_command_runs_in_the_working_directory(step: Step, branch: RealDatabase) -> None:
    (step.workspace / "part").mkdir()

    step.run(migration_command="touch here", working_directory="part")

    assert (step.workspace / "part" / "here").exists()


def test_githubs_token_endpoint_failing_is_told_apart(step: Step, service: ScriptedService) -> None:
    service.token_reply = Reply(status=400, body={})

    finished = step.run(migration_command="true")

    assert finished.exit_code == 1
    assert "GitHub did not give this job an identity token" in finished.log.of("error")[0]


def test_another_website_at_the_address_is_said(step: Step) -> None:
    with serving() as other:
        other.on(RUNS, Reply(status=404, body=b"<html>nginx</html>"))

        finished = step.run(migration_command="true", service_url=other.url)

    assert "does not look like Coppice" in finished.log.of("error")[0]


def test_no_command_anywhere_is_said(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    reply = service.answer(RUNS, b"{}", "").body
    service.on(RUNS, Reply(body=reply | {"command": ""}))

    finished = step.run()

    assert "There is no migration command" in finished.log.of("error")[0]
    assert finished.outputs["run-url"] == RUN_PAGE
    assert RUN_PAGE in finished.summary


def test_a_summary_that_cannot_be_written_fails_nothing(step: Step, branch: RealDatabase) -> None:
    step.environ["GITHUB_STEP_SUMMARY"] = str(step.folder)

    finished = step.run(migration_command="psql -qc 'SELECT 1'")

    assert (finished.exit_code, finished.outputs["result"]) == (0, "success")
    assert "The summary page could not be written" in finished.log.text


def old_python() -> str | None:
    """A Python 3.9, the oldest that the Action runs on."""
    versions = sorted((Path.home() / ".pyenv/versions").glob("3.9.*/bin/python3.9"))
    found = [str(path) for path in versions] + [shutil.which("python3.9") or ""]
    for path in filter(None, found):
        if subprocess.run([path, "-c", ""], capture_output=True, check=False).returncode == 0:
            return path
    return None


def test_it_runs_on_python_3_9(
    tmp_path: Path, service: ScriptedService, branch: RealDatabase
) -> None:
    python = old_python()
    if python is None:
        pytest.skip("no Python 3.9 on this machine")

    finished = Step(tmp_path, service, python=python).run(migration_command="echo migrated")

    assert finished.exit_code == 0, finished.log.raw
    assert "migrated" in finished.log.shown


# Starts what it is told to by a Python that lacks a module, as python3-minimal lacks many.
PARTIAL = """
case "$*" in
  *start.py) exec {python} -I -S -c 'import runpy, sys; sys.modules["ssl"] = None
runpy.run_path(sys.argv[1], run_name="__main__")' "$3" ;;
esac
exec {python} "$@"
"""


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("exit 1", "Coppice needs 3.9 or newer"),
        (None, "python3 is missing on this runner"),
        (PARTIAL.format(python=sys.executable), "has no module ssl: a part of Python is missing"),
    ],
)
def test_what_the_runner_lacks_is_named(
    step: Step, service: ScriptedService, script: str | None, said: str
) -> None:
    tools = step.folder / "bare"
    tools.mkdir()
    for name in ("bash", "env", "dirname"):
        (tools / name).symlink_to(shutil.which(name) or "")
    if script:
        (tools / "python3").write_text(f"#!/usr/bin/env bash\n{script}\n")
        (tools / "python3").chmod(0o755)
    step.environ["PATH"] = str(tools)

    finished = step.run(migration_command="true")

    assert finished.exit_code == 1
    assert said in finished.log.of("error")[0]


def test_windows_is_refused_by_name(step: Step) -> None:
    step.environ["RUNNER_OS"] = "Windows"

    finished = step.run(migration_command="true")

    assert finished.exit_code == 1
    assert "Windows" in finished.log.of("error")[0]

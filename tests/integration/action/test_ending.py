"""Commands that do not end by themselves, and leases that do."""

import os
import signal
import subprocess
from pathlib import Path

import pytest

from action.tracing import NO_CATALOG
from tests.integration.action.conftest import RealDatabase, script_success
from tests.integration.action.scripted import (
    Reply,
    ScriptedService,
    error_reply,
    run_path,
    verdict,
)
from tests.integration.action.step import Step

# A child that ignores SIGTERM, so that only SIGKILL to the whole group ends it.
HANG = "trap '' TERM; (trap '' TERM; echo $BASHPID > child; while :; do sleep 0.1; done) & wait"


def is_running(pid_file: Path) -> bool:
    try:
        state = Path(f"/proc/{int(pid_file.read_text())}/stat").read_text()
    except FileNotFoundError:
        return False
    return state.rpartition(")")[2].split()[0] not in "ZX"


def until_output(process: subprocess.Popen[bytes], text: bytes) -> None:
    assert process.stdout
    for line in process.stdout:
        if line.rstrip() == text:
            return
    raise AssertionError(f"ended without {text!r}")


def test_a_lost_lease_ends_the_command_and_all_it_started(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch"), branch.go(lease_seconds=1))
    service.on(run_path("branch", "/renew"), error_reply(409, "lease_lost"))
    service.on(run_path("branch", "/result"), verdict(fails=True))

    finished = step.run(migration_command=HANG)

    assert finished.exit_code == 1
    assert "the lease was lost" in finished.log.of("error")[0]
    assert not is_running(step.workspace / "child")
    [report] = service.reports("branch")
    assert (report["result"], report["exit_code"]) == ("failure", None)
    assert "It is lease_lost." in report["log"]


def test_a_lease_that_cannot_be_renewed_in_time_is_lost(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch"), branch.go(lease_seconds=1))
    service.on(run_path("branch", "/renew"), Reply(status=503, body={"error": "unavailable"}))
    service.on(run_path("branch", "/result"), verdict(fails=True))

    finished = step.run(migration_command="sleep 60")

    assert finished.exit_code == 1
    assert "could not be reached in time" in service.reports("branch")[0]["log"]


def test_a_lease_is_renewed_for_as_long_as_the_command_runs(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch"), branch.go(lease_seconds=1))
    service.on(run_path("branch", "/renew"), Reply(body={"lease_seconds": 1}))

    finished = step.run(migration_command="sleep 2.5")

    assert finished.exit_code == 0
    assert len(service.requests(run_path("branch", "/renew"))) >= 3


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_cancelled_job_ends_the_command_and_reports_it(
    step: Step, branch: RealDatabase, service: ScriptedService, number: signal.Signals
) -> None:
    script_success(service, branch, trace="branches")
    service.on(run_path("branch", "/result"), verdict(fails=True))
    make = "psql -qc 'CREATE TABLE made (a int)'"
    process = step.start(migration_command=f"{make}; echo here we are; {HANG}")
    until_output(process, b"here we are")

    process.send_signal(number)
    finished = step.finish(process, timeout_seconds=9)  # GitHub kills after ten

    assert finished.exit_code == 1
    assert not is_running(step.workspace / "child")
    assert "was cancelled" in finished.log.of("error")[0]
    [report] = service.reports("branch")
    assert report["result"] == "failure"
    assert len(report["trace"]["statements"]) == 1
    assert report["trace"]["changes_unknown"] == NO_CATALOG


def test_what_a_command_leaves_running_is_ended(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    leave = "sleep 300 & echo $! > child; echo done"

    finished = step.run(migration_command=leave)

    assert finished.exit_code == 0
    assert not is_running(step.workspace / "child")
    assert service.reports("branch")[0]["log"] == "done\n"


def test_a_daemon_that_left_the_group_does_not_hang_the_step(
    step: Step, branch: RealDatabase
) -> None:
    finished = step.run(migration_command="setsid sleep 300 & echo $! > child")

    assert finished.exit_code == 0
    os.kill(int((step.workspace / "child").read_text()), signal.SIGKILL)


def test_a_command_killed_by_a_signal_has_the_shells_exit_code(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch", "/result"), verdict(fails=True))

    step.run(migration_command="kill -9 $$")

    assert service.reports("branch")[0]["exit_code"] == 137


def test_a_command_that_asks_for_input_gets_none(step: Step, branch: RealDatabase) -> None:
    finished = step.run(migration_command="read answer || echo nobody is there")

    assert "nobody is there" in finished.log.shown

"""What a command may see, and what may be seen of it."""

import base64
import json
from urllib.parse import quote

import pytest

from tests.integration.action.conftest import RealDatabase, script_success
from tests.integration.action.scripted import (
    REQUEST_SECRET,
    ScriptedService,
    run_path,
    verdict,
)
from tests.integration.action.step import Step

CANARY = "canary-value-of-the-job"


def test_no_secret_shows_in_the_log_outputs_or_summary(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    printing = "env; echo $PGPASSWORD | base64; echo $PGPASSWORD | rev | rev; false"
    service.on(run_path("branch", "/result"), verdict(fails=True))

    finished = step.run(migration_command=printing)

    places = {
        "log": finished.log.text,
        "summary": finished.summary,
        "outputs": json.dumps(finished.outputs),
        "report": json.dumps(service.reports("branch")),
    }
    secrets = [branch.password, branch.url, *service.tokens, REQUEST_SECRET]
    secrets.append(base64.b64encode(branch.password.encode()).decode())
    for place, text in places.items():
        for secret in secrets:
            assert secret not in text, place


def test_secrets_are_masked_before_anything_else_is_said_of_them(
    step: Step, branch: RealDatabase
) -> None:
    finished = step.run(migration_command="true")

    for secret in (branch.password, branch.url, quote(branch.url, safe="")):
        assert secret in finished.log.masks
    lines = [line for line in finished.log.raw.splitlines() if branch.password in line]
    assert all(line.startswith("::add-mask::") for line in lines)


def test_the_jobs_own_secrets_do_not_leave_the_runner_in_the_report(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    step.environ |= {"DEPLOY_KEY": CANARY, "NODE_ENV": "production", "GITHUB_TOKEN": "ghs_0123"}

    finished = step.run(migration_command='echo "$DEPLOY_KEY in $NODE_ENV"')

    assert service.reports("branch")[0]["log"] == "*** in production\n"
    assert f"{CANARY} in production" in finished.log.shown  # GitHub itself masks what it knows


def test_a_report_is_cut_to_its_end_and_keeps_its_colours(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    lines = "{ yes 0123456789012345678901234567 || :; } | head -n 40000"
    noisy = f"{lines}; printf '\\033[31mred\\033[0m\\n'"

    step.run(migration_command=noisy)

    log = service.reports("branch")[0]["log"]
    assert 890_000 < len(log.encode()) <= 900_000
    assert log.endswith("\n\x1b[31mred\x1b[0m\n")


def test_a_command_cannot_speak_to_the_runner(step: Step, branch: RealDatabase) -> None:
    step.environ |= {"CONFUSE": "::error::forged"}
    commands = "echo '::set-env name=PATH::/evil'; echo '##[add-path]/evil'; echo $CONFUSE"
    early = "psql -qXc ''; echo '::stop-commands::x'; echo '::x::'"

    finished = step.run(
        migration_command=f"psql -qXc ''; {early}; {commands}; echo '  ::warning::x'"
    )

    assert {name for name, _ in finished.log.commands} <= {"add-mask", "group", "endgroup"}


@pytest.mark.parametrize("file", ["GITHUB_ENV", "GITHUB_OUTPUT", "GITHUB_PATH", "GITHUB_STATE"])
def test_a_command_cannot_change_later_steps(step: Step, branch: RealDatabase, file: str) -> None:
    (step.folder / file).write_text("")

    finished = step.run(migration_command=f'echo "LD_PRELOAD=/evil.so" >> "${file}"')

    assert finished.exit_code == 0
    assert "evil" not in (step.folder / file).read_text()


def test_no_line_is_cut_inside_a_secret_of_the_job(step: Step, branch: RealDatabase) -> None:
    secret = "canary-Value_of.the/job+key=0123456789"
    step.environ["DEPLOY_KEY"] = secret

    # A runner hides it, in each line: it must not find a half of it in one, and half in the next.
    finished = step.run(migration_command='printf "%s:$DEPLOY_KEY," {1..6000}')

    lines = [line for line in finished.log.shown if "canary" in line]
    assert len(lines) > 1
    assert all(line.count("canary") == line.count(secret) for line in lines)
    assert all(line.count("0123456789") == line.count(secret) for line in lines)


def test_a_command_gets_no_token_and_no_other_server(step: Step, branch: RealDatabase) -> None:
    step.environ |= {
        "ACTIONS_RUNTIME_TOKEN": "runtime-token",
        "ACTIONS_CACHE_URL": "http://cache",
        "ACTIONS_RESULTS_URL": "http://results",
        "GITHUB_TOKEN": "ghs_0123456789",
        "INPUT_TOKEN": "an input",
        "PGHOSTADDR": "203.0.113.1",
        "PGSERVICE": "elsewhere",
        "PGOPTIONS": "-c search_path=evil",
        "PGPASSFILE": "/elsewhere",
        "PRISMA_ACCELERATE_URL": "prisma://elsewhere",
        "COPPICE_ADMIN_TOKEN": "of the service on this machine",
        "KEPT": "yes",
    }

    step.run(migration_command="env > seen")

    seen = dict(
        line.split("=", 1) for line in (step.workspace / "seen").read_text().splitlines() if line
    )
    forbidden = ("ACTIONS_", "INPUT_", "COPPICE_INPUT_", "COPPICE_ADMIN")
    assert not [name for name in seen if name.startswith(forbidden)]
    assert seen["GITHUB_TOKEN"] == ""  # without it yarn refuses every command
    assert "PRISMA_ACCELERATE_URL" not in seen
    assert {n: v for n, v in seen.items() if n.startswith("PG")} == {
        n: v for n, v in branch.variables.items() if n.startswith("PG")
    }
    assert (seen["DATABASE_URL"], seen["KEPT"]) == (branch.url, "yes")


def test_nothing_secret_is_in_a_process_list(step: Step, branch: RealDatabase) -> None:
    finished = step.run(migration_command="cat /proc/$PPID/cmdline /proc/$$/cmdline > seen")

    seen = (step.workspace / "seen").read_text()
    assert finished.exit_code == 0
    assert branch.password not in seen
    assert "start.py" in seen


def test_the_repositorys_files_cannot_stand_in_for_python_modules(
    step: Step, branch: RealDatabase
) -> None:
    for name in ("json.py", "ssl.py", "sitecustomize.py", "action.py"):
        (step.workspace / name).write_text("raise SystemExit('hijacked')")
    step.environ |= {"PYTHONPATH": str(step.workspace), "PYTHONSTARTUP": "json.py"}

    finished = step.run(migration_command="true")

    assert finished.exit_code == 0, finished.log.raw


def test_an_accelerate_url_is_masked_whole(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    url = "prisma+postgres://accelerate.prisma-data.net/?api_key=eyJhbGciOiJIUzI1NiJ9.e30"
    service.on(
        run_path("branch"), branch.go(variables=branch.variables | {"PRISMA_ACCELERATE_URL": url})
    )

    finished = step.run(migration_command="echo $PRISMA_ACCELERATE_URL; echo $UNSET")

    assert url in finished.log.masks
    assert "***" in finished.log.shown


def test_variables_are_not_exported_unless_asked_for(step: Step, branch: RealDatabase) -> None:
    finished = step.run(migration_command="true")

    assert finished.exported == {}


@pytest.mark.parametrize("migrate", ["true", "false"])
def test_export_env_gives_the_primary_databases_variables_to_later_steps(
    step: Step, branch: RealDatabase, service: ScriptedService, migrate: str
) -> None:
    script_success(service, branch)

    finished = step.run(migration_command="true", export_env="true", migrate=migrate)

    assert finished.exported == branch.variables
    assert branch.password in finished.log.masks
    assert finished.outputs["result"] == "success"


def test_without_migrating_nothing_is_run_reported_or_leased(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    finished = step.run(migration_command="touch ran", migrate="false", credentials="runtime")

    assert finished.exit_code == 0
    assert {seen.path for seen in service.seen} == {"/api/v1/runs", run_path("branch")}
    assert service.seen[0].body["credentials"] == "runtime"
    assert not (step.workspace / "ran").exists()


def test_nothing_is_exported_when_the_migration_failed(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch", "/result"), verdict(fails=True))

    finished = step.run(migration_command="false", export_env="true")

    assert finished.exported == {}


def test_nothing_to_export_is_said(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch"), branch.go(result="superseded", message="Newer."))

    finished = step.run(migration_command="true", export_env="true")

    assert finished.exported == {}
    assert "No variables were exported" in finished.log.of("warning")[0]


def test_scratch_files_are_gone_afterwards(step: Step, branch: RealDatabase) -> None:
    step.run(migration_command="true")

    assert list((step.folder / "temp").iterdir()) == []

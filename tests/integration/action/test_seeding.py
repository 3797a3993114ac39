"""The seed command as a step runs it: after a success, with the same care, and told with it."""

import json
from typing import Any

import pytest

from tests.integration.action.conftest import NewDatabase, RealDatabase, script_success
from tests.integration.action.scripted import ScriptedService, run_path, verdict
from tests.integration.action.step import Step

CREATE = 'psql -qv ON_ERROR_STOP=1 -c "CREATE TABLE made (id int)"'
CONNECT = 'psql -qc "SELECT 1"'
FILL = 'psql -qv ON_ERROR_STOP=1 -c "INSERT INTO made VALUES (7)"'


@pytest.fixture
def new(service: ScriptedService, branch: RealDatabase) -> RealDatabase:
    """A branch's database that the service wants seeded, by a command of the workflow."""
    script_seeding(service, branch, seed_command="seed of the workflow")
    return branch


def script_seeding(service: ScriptedService, database: RealDatabase, **changes: Any) -> None:
    script_success(service, database, **changes)
    service.on(run_path(database.environment), database.go(seed=True))


def described(outputs: dict[str, str]) -> dict[str, Any]:
    [one] = json.loads(outputs["databases"])
    return dict(one)


def test_the_seed_command_follows_the_migration_with_the_same_variables(
    step: Step, new: RealDatabase, service: ScriptedService
) -> None:
    finished = step.run(migration_command=CREATE, seed_command=f"{FILL}; env > seen")

    assert finished.exit_code == 0, finished.log.raw
    [report] = service.reports("branch")
    assert (report["result"], report["seed"]["result"]) == ("success", "success")
    seen = (step.workspace / "seen").read_text()
    assert f"DATABASE_URL={new.url}\n" in seen
    assert "ACTIONS_ID_TOKEN" not in seen
    assert "COPPICE_INPUT" not in seen


def test_a_database_that_the_service_does_not_call_new_is_not_seeded(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    finished = step.run(migration_command=CONNECT, seed_command="touch seeded")

    assert finished.exit_code == 0
    assert not (step.workspace / "seeded").exists()
    assert service.reports("branch")[0]["seed"] is None


def test_the_assignments_seed_command_is_shown_before_it_runs(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    script_seeding(service, branch, seed_command="echo sowing")

    finished = step.run(migration_command=CONNECT)

    shown = finished.log.text
    assert "Seed command, from the app's assignment:" in shown
    assert shown.index("  echo sowing") < shown.rindex("sowing")
    assert service.reports("branch")[0]["seed"]["log"] == "sowing\n"


def test_a_failed_migration_is_not_seeded(
    step: Step, new: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch", "/result"), verdict(fails=True))

    step.run(migration_command="false", seed_command="touch seeded")

    assert not (step.workspace / "seeded").exists()
    assert service.reports("branch")[0]["seed"] is None


def test_a_failing_seed_fails_the_step_and_says_that_the_migration_succeeded(
    step: Step, new: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch", "/result"), verdict(fails=True, message="branch: migrated, but."))

    finished = step.run(migration_command=CONNECT, seed_command="echo no seed; exit 4")

    assert finished.exit_code == 1
    [report] = service.reports("branch")
    assert (report["result"], report["exit_code"]) == ("success", 0)
    assert (report["seed"]["result"], report["seed"]["exit_code"]) == ("failure", 4)
    [error] = finished.log.of("error")
    assert "seed command ended with exit code 4" in error
    assert "the migration itself succeeded" in error
    one = described(finished.outputs)
    assert one["result"] == "success"
    assert (one["seed"]["result"], one["seed"]["exit_code"]) == ("failure", 4)
    assert finished.outputs["result"] == "failure"
    assert "success, seed: failure" in finished.summary.replace("\\", "")


def test_a_failing_seed_fails_the_step_also_when_the_service_would_not(
    step: Step, new: RealDatabase
) -> None:
    finished = step.run(migration_command=CONNECT, seed_command="false")

    assert finished.exit_code == 1


def test_a_failing_seed_of_preview_beside_a_branch_is_neutral(
    step: Step, service: ScriptedService, new_database: NewDatabase
) -> None:
    branch, preview = new_database("branch"), new_database("preview")
    script_success(service, branch, preview, seed_command="false")
    service.on(run_path("preview"), preview.go(seed=True))

    finished = step.run(migration_command=CONNECT, seed_command="false")

    assert finished.exit_code == 0
    assert "seed command ended with exit code 1" in finished.log.of("warning")[0]
    assert "(neutral)" in finished.summary.replace("\\", "")


def test_production_follows_a_preview_whose_seed_failed(
    step: Step, service: ScriptedService, new_database: NewDatabase
) -> None:
    preview, production = new_database("preview"), new_database("production")
    script_success(service, preview, production, primary="production", seed_command="false")
    service.on(run_path("preview"), preview.go(seed=True))
    service.on(run_path("preview", "/result"), verdict(fails=True))

    finished = step.run(migration_command=CONNECT, seed_command="false")

    assert finished.exit_code == 1
    assert service.reports("production")[0]["result"] == "success"


def test_secrets_stay_out_of_the_seeds_log(
    step: Step, new: RealDatabase, service: ScriptedService
) -> None:
    step.environ["DEPLOY_KEY"] = "k3y-of-the-deployment"

    finished = step.run(
        migration_command=CONNECT, seed_command="echo $PGPASSWORD; echo $DEPLOY_KEY; false"
    )

    told = json.dumps(service.reports("branch"))
    assert new.password not in told
    assert "k3y-of-the-deployment" not in told
    assert new.password not in finished.log.text


def test_workflow_commands_that_a_seed_prints_are_not_obeyed(step: Step, new: RealDatabase) -> None:
    finished = step.run(migration_command=CONNECT, seed_command="echo '::warning::forged'")

    assert "forged" not in finished.log.of("warning")


def test_a_cancelled_seed_is_stopped_and_told(
    step: Step, new: RealDatabase, service: ScriptedService
) -> None:
    process = step.start(
        migration_command=CONNECT, seed_command="echo here we are; kill $PPID; sleep 60"
    )

    finished = step.finish(process)

    assert finished.exit_code == 1
    [report] = service.reports("branch")
    assert (report["result"], report["seed"]["result"]) == ("success", "failure")
    assert "was stopped (The job was cancelled)" in finished.log.of("error")[0]


def test_a_seed_of_which_there_is_no_command_is_refused(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch"), branch.go(seed=True))

    finished = step.run(migration_command="touch ran")

    assert finished.exit_code == 1
    assert "without" not in finished.log.of("error")[0]
    assert "asks for a seed" in finished.log.of("error")[0]
    assert not (step.workspace / "ran").exists()

"""The Action as a step, against a scripted service and real databases."""

import json

import psycopg
import pytest

from tests.integration.action.conftest import NewDatabase, RealDatabase, script_success
from tests.integration.action.scripted import (
    RUN_PAGE,
    RUNS,
    ScriptedService,
    error_reply,
    run_path,
    verdict,
)
from tests.integration.action.step import Step

CONNECT = "psql -qXo /dev/null -c 'SELECT 1'"
CREATE = 'psql -v ON_ERROR_STOP=1 -c "CREATE TABLE made (id int)"'


def test_the_command_runs_on_the_database_that_the_service_named(
    step: Step, branch: RealDatabase
) -> None:
    finished = step.run(migration_command=CREATE)

    assert finished.exit_code == 0, finished.log.raw
    with psycopg.connect(branch.url) as session:
        assert session.execute("SELECT count(*) FROM made").fetchone() == (0,)


def test_a_failure_shows_where_people_look_first_why_and_where_more_is(
    step: Step, branch: RealDatabase
) -> None:
    step.environ["DEPLOY_KEY"] = "a-secret-of-the-job"
    command = "seq 1 100; echo $DEPLOY_KEY; psql -qXc 'SELECT * FROM nosuch'"

    finished = step.run(migration_command=command)

    cause = 'ERROR:  relation "nosuch" does not exist'
    assert finished.exit_code == 1
    shown = finished.log.of("error")[0].splitlines()
    assert shown[0] == f"The migration command ended with exit code 1 on {branch.tenant.name}."
    assert cause in shown
    assert len(shown) == 22  # the cause, an empty line, and twenty of the output
    assert f"\n{cause}\n" in finished.summary.partition("<details>")[2].partition("</details>")[0]
    assert f"[This run on the dashboard]({RUN_PAGE})" in finished.summary
    assert "a-secret-of-the-job" not in finished.summary
    assert "a-secret-of-the-job" not in "\n".join(shown)
    assert (finished.outputs["run-url"], finished.outputs["database-host"]) == (
        RUN_PAGE,
        branch.variables["PGHOST"],
    )


def test_a_pooler_that_cannot_be_used_from_the_runner_stops_no_migration(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    pooled = {"DATABASE_URL_POOLED": branch.url.replace(f":{branch.port}/", ":9/")}
    service.on(
        run_path("branch"),
        branch.go(variables=branch.variables | pooled, notices=["The other pooler is down."]),
    )

    finished = step.run(
        migration_command='test -z "$DATABASE_URL_POOLED" && touch ran', export_env="true"
    )

    assert (step.workspace / "ran").exists(), finished.log.text
    said = finished.log.of("notice")
    assert any("The other pooler is down." in one for one in said)
    assert any("127.0.0.1:9 cannot be used from here" in one for one in said)
    assert "DATABASE_URL_POOLED" not in finished.exported


POISON = [
    "CREATE SCHEMA evil",
    "CREATE FUNCTION evil.current_database() RETURNS name LANGUAGE sql AS $$SELECT 'evil'::name$$",
    "CREATE FUNCTION evil.shobj_description(oid, text) RETURNS text LANGUAGE sql"
    " AS $$SELECT 'evil'$$",
    "CREATE VIEW evil.pg_database AS SELECT 0::oid AS oid, 'evil'::name AS datname",
    "CREATE DOMAIN evil.text AS int",
    "CREATE FUNCTION evil.is(name, name) RETURNS bool LANGUAGE sql AS 'SELECT true'",
    "CREATE OPERATOR evil.= (FUNCTION = evil.is, LEFTARG = name, RIGHTARG = name)",
    "ALTER ROLE CURRENT_USER SET search_path = evil, pg_catalog",
    "ALTER ROLE CURRENT_USER SET timezone = 'Pacific/Kiritimati'",
    "ALTER ROLE CURRENT_USER SET datestyle = 'SQL, DMY'",
    "ALTER ROLE CURRENT_USER SET bytea_output = 'escape'",
    "ALTER ROLE CURRENT_USER SET client_min_messages = 'error'",
    "ALTER ROLE CURRENT_USER SET default_transaction_isolation = 'serializable'",
]


def test_the_mark_is_found_whatever_settings_the_role_has(step: Step, branch: RealDatabase) -> None:
    with psycopg.connect(branch.url) as session:
        for statement in POISON:
            session.execute(statement.encode())

    finished = step.run(migration_command="psql -Atc 'SHOW timezone'")

    assert finished.exit_code == 0, finished.log.raw
    assert "Pacific/Kiritimati" in finished.log.text


def test_the_result_is_reported_and_in_the_outputs(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    finished = step.run(migration_command=f"{CONNECT}; echo done")

    [report] = service.reports("branch")
    assert (report["result"], report["exit_code"], report["log"]) == ("success", 0, "done\n")
    [described] = json.loads(finished.outputs["databases"])
    assert described.pop("duration_seconds") > 0
    assert described == {
        "environment": "branch",
        "database": branch.tenant.name,
        "result": "success",
        "seed": None,
    }
    del finished.outputs["databases"]
    assert finished.outputs == {
        "result": "success",
        "environment": "branch",
        "database": branch.tenant.name,
        "database-host": branch.host,
        "run-url": RUN_PAGE,
    }


def test_the_run_is_asked_for_with_the_inputs_and_the_jobs_token(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    step.run(migration_command="true", app="3ba03b", environments="branch, preview")

    [asked] = service.requests(RUNS)
    key = asked.body.pop("step")
    assert len(key) == 32
    assert asked.body == {
        "app": "3ba03b",
        "environments": ["branch", "preview"],
        "migrate": True,
        "migration_command": "true",
        "seed_command": "",
        "credentials": "job",
        "export_env": False,
        "credentials_minutes": 60,
        "timeout_minutes": 30,
        "template": True,
        "job": "migrate",
    }
    assert [asked.token] == service.tokens
    assert service.audiences == [service.url]
    assert branch.password not in json.dumps(asked.body)


def test_the_assignments_command_is_shown_before_it_runs(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    script_success(service, branch, command="echo from the assignment")

    finished = step.run()

    shown = finished.log.text
    assert "from the app's assignment" in shown
    assert shown.index("  echo from the assignment") < shown.rindex("from the assignment")


def test_a_failing_command_fails_the_step_with_its_exit_code(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    service.on(run_path("branch", "/result"), verdict(fails=True))

    finished = step.run(migration_command="echo broken; exit 3")

    assert finished.exit_code == 1
    assert finished.outputs["result"] == "failure"
    assert service.reports("branch")[0]["exit_code"] == 3
    assert "ended with exit code 3" in finished.log.of("error")[0]
    assert branch.tenant.name in finished.log.of("error")[0]


@pytest.mark.parametrize(
    "command",
    [
        "psql -v ON_ERROR_STOP=1 -c 'alter table nosuch add column x int'\necho deployed",
        "psql -v ON_ERROR_STOP=1 -c 'alter table nosuch add column x int' | tee log",
    ],
)
def test_a_command_of_which_a_part_fails_is_no_success(
    step: Step, branch: RealDatabase, service: ScriptedService, command: str
) -> None:
    service.on(run_path("branch", "/result"), verdict(fails=True))

    finished = step.run(migration_command=command)

    assert (finished.exit_code, finished.outputs["result"]) == (1, "failure")
    [report] = service.reports("branch")
    assert (report["result"], report["exit_code"]) == ("failure", 1)
    assert "deployed" not in report["log"]


def test_databases_are_migrated_in_the_services_order(
    step: Step, service: ScriptedService, new_database: NewDatabase
) -> None:
    script_success(service, new_database("preview"), new_database("production"))

    step.run(migration_command="echo $COPPICE_ENVIRONMENT >> order")

    assert (step.workspace / "order").read_text().split() == ["preview", "production"]


def test_production_is_left_alone_when_preview_fails(
    step: Step, service: ScriptedService, new_database: NewDatabase
) -> None:
    script_success(service, new_database("preview"), new_database("production"))
    service.on(run_path("preview", "/result"), verdict(fails=True))

    finished = step.run(migration_command="echo $COPPICE_ENVIRONMENT >> order; exit 1")

    assert (step.workspace / "order").read_text().split() == ["preview"]
    results = [database["result"] for database in json.loads(finished.outputs["databases"])]
    assert results == ["failure", "skipped"]
    assert not service.requests(run_path("production"))


def test_a_neutral_preview_does_not_fail_the_step(
    step: Step, service: ScriptedService, new_database: NewDatabase
) -> None:
    script_success(service, new_database("branch"), new_database("preview"))
    told = verdict(fails=False, message="Preview is shared: this does not fail the step.")
    service.on(run_path("preview", "/result"), told)

    finished = step.run(migration_command=f'{CONNECT}; [ "$COPPICE_ENVIRONMENT" = branch ]')

    assert finished.exit_code == 0
    assert finished.outputs["result"] == "success"
    assert not finished.log.of("error")
    assert "does not fail the step" in finished.log.of("warning")[0]


def test_a_rebuilt_preview_is_migrated_once_more(
    step: Step, service: ScriptedService, new_database: NewDatabase
) -> None:
    preview = new_database("preview")
    script_success(service, preview)
    busy = error_reply(409, "creating", retry_after=0.2)
    service.on(run_path("preview"), preview.go(), busy, preview.go())
    service.on(run_path("preview", "/result"), verdict(again=True), verdict())

    finished = step.run(
        migration_command=f"{CONNECT}; [ -e second ] || {{ touch second; exit 1; }}"
    )

    assert finished.exit_code == 0
    assert [report["result"] for report in service.reports("preview")] == ["failure", "success"]
    assert json.loads(finished.outputs["databases"])[0]["result"] == "success"


def test_two_databases_at_once_keep_their_lines_apart(
    step: Step, service: ScriptedService, new_database: NewDatabase
) -> None:
    script_success(service, new_database("branch"), new_database("preview"))
    # Each waits for the other: run one after the other, this would never end.
    other = 'case "$COPPICE_ENVIRONMENT" in branch) o=preview;; *) o=branch;; esac'
    meet = 'touch "$COPPICE_ENVIRONMENT"; until [ -e "$o" ]; do sleep 0.05; done; echo met'

    finished = step.run(migration_command=f"{other}; {meet}", max_parallel="2", timeout_minutes="1")

    assert finished.exit_code == 0, finished.log.raw
    assert {"branch | met", "preview | met"} <= set(finished.log.shown)


def test_a_superseded_database_is_skipped(
    step: Step, branch: RealDatabase, service: ScriptedService
) -> None:
    passed = {"result": "superseded", "environment": "branch", "message": "A newer commit."}
    service.on(run_path("branch"), branch.go(**passed))

    finished = step.run(migration_command="touch ran")

    assert finished.exit_code == 0
    assert finished.outputs["result"] == "skipped"
    assert "A newer commit." in finished.log.text
    assert not (step.workspace / "ran").exists()

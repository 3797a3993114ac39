"""The template for new branches: built after production, and never a failure of the step."""

import io
import json
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import psycopg
import pytest

from action import inputs, template
from action.console import Console
from action.identity import Identity
from action.interruption import Interruption
from action.limit import Limit
from action.reply import Planned, Run
from action.results import FAILURE, SKIPPED, SUCCESS, Result
from action.service import Service
from action.transport import Transport
from action.workplace import Workplace
from tests.integration.action.conftest import NewDatabase, RealDatabase, script_success
from tests.integration.action.scripted import (
    RUNS,
    Reply,
    ScriptedService,
    error_reply,
    run_path,
    run_reply,
    verdict,
)
from tests.integration.action.step import Finished, Log, Step

CREATE = 'psql -qv ON_ERROR_STOP=1 -c "CREATE TABLE made (id int)"'
FILL = 'psql -qv ON_ERROR_STOP=1 -c "INSERT INTO made VALUES (7)"'
PRODUCTION = Planned("production", "3ba03b-production")
MIGRATED = Result(planned=PRODUCTION, result=SUCCESS)


@pytest.fixture
def new(service: ScriptedService, new_database: NewDatabase) -> RealDatabase:
    """The template that a run on the default branch is to build, on which everything goes well."""
    database = new_database("template")
    script_success(service, database)
    return database


@pytest.fixture
def production(
    service: ScriptedService, new_database: NewDatabase, new: RealDatabase
) -> RealDatabase:
    """Production of the same run."""
    database = new_database("production")
    script_success(service, database, new, trace="all", seed_command=FILL)
    return database


def check_untroubled(finished: Finished, production: RealDatabase) -> None:
    """The step ended as if there had been no template."""
    assert finished.exit_code == 0, finished.log.raw
    assert not finished.log.of("error")
    [described] = json.loads(finished.outputs["databases"])
    assert (described["environment"], described["result"]) == ("production", "success")
    assert finished.outputs["result"] == "success"
    assert finished.outputs["database"] == production.tenant.name
    assert "| template" not in finished.summary


def test_a_template_is_migrated_and_seeded_after_production_untraced(
    step: Step, service: ScriptedService, new: RealDatabase, production: RealDatabase
) -> None:
    service.on(run_path("template"), new.go(seed=True))

    finished = step.run(migration_command=CREATE, trace="all", export_env="true")

    check_untroubled(finished, production)
    assert finished.exported["PGDATABASE"] == production.tenant.name
    asked = [seen.path for seen in service.seen if seen.path.endswith(("production", "template"))]
    assert asked == [run_path("production"), run_path("template")]
    [report] = service.reports("template")
    assert (report["result"], report["seed"]["result"]) == ("success", "success")
    assert "trace" not in report
    assert "trace" in service.reports("production")[0]
    with psycopg.connect(new.url) as session:
        assert session.execute("SELECT id FROM made").fetchall() == [(7,)]
    assert not finished.log.of("warning")
    told = "Template for new branches: built and seeded in "
    assert [line for line in finished.log.shown if line.startswith(told)]
    assert told in finished.summary.replace("\\", "")


def test_a_template_that_fails_twice_leaves_the_step_as_it_is(
    step: Step, service: ScriptedService, new: RealDatabase, production: RealDatabase
) -> None:
    service.on(run_path("template", "/result"), verdict(again=True), verdict(fails=True))
    only_production = 'psql -qc "SELECT 1"; echo here; [ "$COPPICE_ENVIRONMENT" = production ]'

    finished = step.run(migration_command=only_production)

    check_untroubled(finished, production)
    assert len(service.reports("template")) == 2
    [warning] = finished.log.of("warning")
    assert warning.startswith(
        "Template for new branches: not built. Branches go on from the earlier"
    )
    assert f"exit code 1 on {new.tenant.name}." in warning
    assert warning.endswith("\nhere")
    assert "Template for new branches: not built." in finished.summary.replace("\\", "")
    assert "`template-timeout-minutes` gives it more time" in finished.summary


@dataclass
class Building:
    """A run in this process that has only the template left to do."""

    place: Workplace
    service: ScriptedService
    database: RealDatabase
    written: io.BytesIO

    def build(self, command: str, *, after: Result = MIGRATED, minutes: int = 10) -> Result:
        given = replace(
            self.place.inputs, migration_command=command, template_timeout_minutes=minutes
        )
        result = template.build(replace(self.place, inputs=given), after=[after])
        assert result
        assert not result.fails
        return result

    @property
    def results(self) -> list[str]:
        return [report["result"] for report in self.service.reports("template")]

    @property
    def log(self) -> Log:
        return Log(self.written.getvalue().decode())


@pytest.fixture
def building(step: Step, service: ScriptedService, new: RealDatabase) -> Building:
    written = io.BytesIO()
    console, job, transport = Console(written), inputs.read_job(step.environ), Transport()
    identity = Identity(job, audience=service.url, transport=transport)
    place = Workplace(
        inputs=inputs.read(step.environ),
        job=job,
        run=Run(
            id=17,
            app="3ba03b",
            command="",
            command_source="workflow",
            seed_command="exit 4",
            primary="production",
            databases=(PRODUCTION,),
            migrates=True,
            url="",
            trace=None,
            template=Planned("template", new.tenant.name),
        ),
        service=Service(service.url, identity=identity, transport=transport, console=console),
        console=console,
        interruption=Interruption(),
        limit=Limit(30),
        folder=step.folder,
    )
    return Building(place=place, service=service, database=new, written=written)


def test_a_template_that_fails_as_a_copy_is_built_once_more_from_empty(building: Building) -> None:
    go, busy = building.database.go(), error_reply(409, "creating", retry_after=0.2)
    building.service.on(run_path("template"), go, busy, go)
    building.service.on(run_path("template", "/result"), verdict(again=True), verdict())

    building.build(f"[ -e second ] || {{ touch second; exit 1; }}; {CREATE}")

    assert building.results == ["failure", "success"]
    assert "was made anew; migrating it once more." in building.log.text
    assert "Template for new branches: built in" in building.log.text
    assert not building.log.of("warning") + building.log.of("error")


go = RealDatabase.go


@pytest.mark.parametrize(
    ("turn", "told", "command", "cause"),
    [
        (go, verdict(), "exit 3", "ended with exit code 3"),
        (go, verdict(), "true", "never connected to"),
        (go, verdict(fails=True), CREATE, "the service does not count it"),
        (go, error_reply(500, "internal"), CREATE, "could not be reported"),
        (partial(go, seed=True), verdict(), CREATE, "The seed command ended with exit code 4"),
        (partial(go, marker="0" * 32), verdict(), CREATE, "its mark is missing"),
        (partial(go, database="other"), verdict(), CREATE, "it is about another database"),
        (partial(go, lease_seconds=0.5), verdict(), "sleep 60", "the lease was lost"),
        (lambda _: error_reply(403, "not_now"), verdict(), CREATE, "It is not_now."),
        (lambda _: error_reply(500, "internal"), verdict(), CREATE, "is not available"),
    ],
)
def test_whatever_becomes_of_the_template_is_one_warning(
    building: Building, turn: Callable[[RealDatabase], Reply], told: Reply, command: str, cause: str
) -> None:
    building.service.on(run_path("template"), turn(building.database))
    building.service.on(run_path("template", "/result"), told)
    building.service.on(run_path("template", "/renew"), error_reply(409, "lease_lost"))

    result = building.build(command)

    assert result.problem
    assert cause in result.problem.title
    assert not building.log.of("error")
    [warning] = building.log.of("warning")
    assert warning.startswith(f"Template for new branches: not built. {result.problem.title}")


def test_a_mistake_of_our_own_is_a_warning_too(building: Building) -> None:
    building.place = replace(building.place, folder=building.place.folder / "missing")

    result = building.build(CREATE)

    assert result.problem
    assert "Coppice itself failed (FileNotFoundError)" in result.problem.title
    assert building.results == ["failure"]


@pytest.mark.parametrize("is_waiting", [False, True])
def test_a_template_has_a_time_limit_of_its_own(building: Building, is_waiting: bool) -> None:
    building.service.on(run_path("template", "/result"), verdict(again=True))
    if is_waiting:
        busy = error_reply(409, "creating", retry_after=30)
        building.service.on(run_path("template"), busy)

    result = building.build("sleep 60", minutes=0)

    cause = "was not available after 0 minutes" if is_waiting else "was stopped after 0 minutes"
    assert result.problem
    assert cause in result.problem.title
    assert building.results == ([] if is_waiting else ["timed-out"])


def test_a_job_that_is_cancelled_builds_no_template(building: Building) -> None:
    cancel = building.place.interruption.interrupt
    building.service.on(run_path("template"), replace(building.database.go(), after=cancel))

    during, before = building.build("sleep 60"), building.build("sleep 60")

    for result in (during, before):
        assert result.problem
        assert "this job was cancelled" in result.problem.title
    assert building.results == ["failure"]


def test_a_template_that_needs_no_building_is_kept(building: Building) -> None:
    passed = {"result": "skipped", "message": "No migration has changed since it was made."}
    building.service.on(run_path("template"), building.database.go(**passed))

    building.build(CREATE)

    line = "Template for new branches: kept. No migration has changed since it was made."
    assert line in building.log.shown
    assert not building.results


@pytest.mark.parametrize(
    "production",
    [
        Result(planned=PRODUCTION, result=FAILURE, fails=True),
        Result(planned=PRODUCTION, result=SKIPPED),
        replace(MIGRATED, planned=Planned("preview", "3ba03b-preview")),
    ],
)
def test_without_productions_success_no_template_is_asked_for(
    building: Building, production: Result
) -> None:
    building.build(CREATE, after=production)

    line = "Template for new branches: kept. This run did not migrate production."
    assert building.log.shown == [line]
    assert not building.service.seen


@pytest.mark.parametrize(("migrates", "builds"), [(True, True), (True, False), (False, True)])
def test_only_a_run_that_migrates_wants_a_template_of_services_that_know_of_them(
    building: Building, migrates: bool, builds: bool
) -> None:
    wanted = replace(building.place.inputs, migrate=migrates, template=builds)
    reply = run_reply({"production": PRODUCTION.database})
    building.service.on(RUNS, reply, error_reply(400, "invalid"), reply)

    for _ in range(2):
        building.place.service.start(wanted, job="migrate", step="0123456789")

    known, refused, older = (seen.body for seen in building.service.requests(RUNS))
    assert known["template"] is refused["template"] is (migrates and builds)
    assert older == {name: value for name, value in known.items() if name != "template"}

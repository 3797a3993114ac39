"""A step whose command is traced: what it is led to, what is reported, and what is said."""

import pytest

from tests.integration.action.conftest import NewDatabase, RealDatabase, script_success
from tests.integration.action.scripted import Reply, ScriptedService, run_path, verdict
from tests.integration.action.step import Step

MIGRATE = (
    "psql -v ON_ERROR_STOP=1 -q -c 'CREATE TABLE users (id int)'"
    " && psql \"$DATABASE_URL\" -q -c 'ALTER TABLE users ADD COLUMN name text'"
)


@pytest.fixture
def traced(service: ScriptedService, branch: RealDatabase) -> RealDatabase:
    script_success(service, branch, trace="branches")
    return branch


def test_a_traced_command_reports_what_its_statements_locked(
    step: Step, traced: RealDatabase, service: ScriptedService
) -> None:
    service.on(
        run_path("branch", "/result"), Reply(body=verdict().body | {"summary": "**1 rewrite**"})
    )

    first = step.run(migration_command=f"env | grep -E '^PG(HOST|SSLMODE)'; {MIGRATE}")
    second = step.run(migration_command="psql -c 'ALTER TABLE users ALTER id TYPE bigint'")

    assert (first.exit_code, second.exit_code) == (0, 0), first.log.text + second.log.text
    assert "PGHOST=127.0.0.1" in first.log.text
    assert "PGSSLMODE=disable" in first.log.text
    made, altered = service.reports("branch")
    assert [each["tag"] for each in made["trace"]["statements"]] == ["CREATE TABLE", "ALTER TABLE"]
    assert [each["user"] for each in made["trace"]["connections"]] == [traced.tenant.login_role] * 2
    [statement] = altered["trace"]["statements"]
    assert ("public.users", "ACCESS EXCLUSIVE") in [
        (each["relation"], each["mode"]) for each in statement["locks"]
    ]
    assert statement["rewrites"] == ["public.users"]
    assert altered["trace"]["untraced"] is None
    assert "| branch |" in second.summary.partition("**1 rewrite**")[0]


def test_production_is_not_traced_but_tells_how_large_its_tables_are(
    step: Step, service: ScriptedService, new_database: NewDatabase
) -> None:
    production = new_database("production")
    script_success(service, production, trace="branches")
    rows = "INSERT INTO users SELECT generate_series(1, 1000)"

    step.run(
        migration_command=f'psql -c "CREATE TABLE users (id int)" -c "{rows}" -c "ANALYZE users"'
    )

    [report] = service.reports("production")
    assert "trace" not in report
    assert report["tables"] == {"public.users": {"rows": 1000, "bytes": 40960}}


@pytest.mark.parametrize(("wanted", "given"), [("off", "auto"), ("branches", "off"), (None, "all")])
def test_nothing_is_traced_that_is_not_to_be_or_that_the_service_does_not_take(
    step: Step, branch: RealDatabase, service: ScriptedService, wanted: str | None, given: str
) -> None:
    script_success(service, branch, **({"trace": wanted} if wanted else {}))

    finished = step.run(migration_command="echo port $PGPORT; psql -c 'SELECT 1'", trace=given)

    assert finished.exit_code == 0
    assert f"port {branch.port}" in finished.log.text
    assert "trace" not in service.reports("branch")[0]

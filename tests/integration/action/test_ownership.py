"""Who owns what is inside a database: what real psql prints, and what is advised then."""

import os
import subprocess
from dataclasses import dataclass, replace

import pytest

from action import ownership
from app.core.identifiers import RoleName
from app.postgres.server import PostgresServer
from tests.integration.action.conftest import NewDatabase, RealDatabase, script_success
from tests.integration.action.scripted import ScriptedService
from tests.integration.action.step import Step
from tests.integration.postgres.conftest import job_request


@dataclass(frozen=True)
class JobDatabase(RealDatabase):
    """The same database with a job's login, as `credentials: job` gives it."""

    role: RoleName

    @property
    def variables(self) -> dict[str, str]:
        whole = super().variables
        url = whole["DATABASE_URL"].replace(f"//{self.tenant.login_role}:", f"//{self.role}:")
        return whole | {"PGUSER": self.role, "DATABASE_URL": url}


@pytest.fixture
def job(new_database: NewDatabase, tenant_server: PostgresServer) -> JobDatabase:
    database = new_database("branch")
    request = job_request(database.tenant)
    tenant_server.open_job_login(database.tenant, request)
    return JobDatabase(
        environment=database.environment,
        tenant=database.tenant,
        password=request.password,
        host=database.host,
        port=database.port,
        role=request.role,
    )


def psql(job: RealDatabase, *arguments: str) -> tuple[int, bytes]:
    done = subprocess.run(
        ["psql", "-X", "-v", "ON_ERROR_STOP=1", *arguments],
        env={"PATH": os.environ["PATH"], **job.variables},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    return done.returncode, done.stdout


OWNED = [
    'ALTER TABLE t OWNER TO "{role}"',
    'CREATE SCHEMA s AUTHORIZATION "{role}"',
    'ALTER DEFAULT PRIVILEGES FOR ROLE "{role}" GRANT SELECT ON TABLES TO CURRENT_USER',
    'ALTER ROLE "{role}" SET search_path = app, public',
    'REASSIGN OWNED BY "{role}" TO CURRENT_USER',
]
NEVER = [
    'ALTER DATABASE "{database}" SET search_path = app, public',
    'ALTER DATABASE "{database}" OWNER TO CURRENT_USER',
    "ALTER TABLE t OWNER TO app_owner",
    "GRANT SELECT ON t TO readonly",
]
OTHERS = [
    "SELECT 1/0",
    "SELECT * FROM pg_authid",
    "ALTER TABLE missing ADD COLUMN a int",
    "CREATE EXTENSION hstore SCHEMA public; COMMENT ON EXTENSION plpgsql IS 'x'",
]


def test_the_advice_is_given_where_a_failure_is_about_who_owns_it(job: JobDatabase) -> None:
    psql(job, "-c", "CREATE TABLE t ()")
    names = {"role": job.variables["PGUSER"], "database": job.tenant.name}
    owner = {"role": job.variables["COPPICE_ROLE"], "database": job.tenant.name}
    codes = ("-e", "-v", "VERBOSITY=sqlstate")

    told = [psql(job, "-c", one.format(**names)) for one in [*OWNED, *NEVER]]
    coded = [psql(job, *codes, "-c", one.format(**names)) for one in [*OWNED, *NEVER[:3]]]
    of_others = [psql(job, "-c", one) for one in OTHERS]
    well = [psql(job, "-c", one.format(**owner)) for one in OWNED]
    fixed = [psql(job, "-c", one.replace('"{role}"', "CURRENT_USER")) for one in OWNED[:1]]

    assert [(code, bool(ownership.advice(output))) for code, output in [*told, *coded]] == [
        (1, True)
    ] * (len(told) + len(coded)), [*told, *coded]
    assert [(code, ownership.advice(output)) for code, output in of_others] == [(1, "")] * 4
    assert [code for code, _ in [*well, *fixed]] == [0] * 6


def test_a_login_that_is_refused_is_no_matter_of_owners(job: JobDatabase) -> None:
    stranger = replace(job, role=RoleName("nobody-here"))

    _, output = psql(stranger, "-c", "SELECT 1")

    assert b"FATAL" in output
    assert ownership.advice(output) == ""


def test_the_step_advises_how_the_owner_is_named(
    step: Step, service: ScriptedService, job: JobDatabase
) -> None:
    script_success(service, job)

    finished = step.run(
        migration_command='psql -c "CREATE TABLE t ()"'
        ' && psql -v ON_ERROR_STOP=1 -c "ALTER TABLE t OWNER TO \\"$PGUSER\\""'
    )
    mended = step.run(
        migration_command='psql -v ON_ERROR_STOP=1 -c "ALTER TABLE t OWNER TO \\"$COPPICE_ROLE\\""'
    )

    assert finished.exit_code == 1
    assert "CURRENT_USER" in finished.summary
    assert "COPPICE_ROLE" in finished.log.text
    assert mended.exit_code == 0, mended.log.raw

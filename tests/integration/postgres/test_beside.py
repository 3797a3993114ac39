"""Looking on beside a command on a person's machine is never what fails the command."""

import pytest

from app.postgres.beside import Course, run_watched
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import Tenant

LOGIN = {
    "PGHOST": "127.0.0.1",
    "PGDATABASE": "3ba03b-dev",
    "PGUSER": "3ba03b-dev",
    "PGPASSWORD": "secret",
    "PGSSLMODE": "verify-full",
}


@pytest.mark.parametrize(
    "changes",
    [{}, {"PGPORT": "x"}, {"PGPORT": "9"}, {"PGPORT": "9", "PGSSLROOTCERT": "/gone"}],
    ids=["no port", "a word", "nobody there", "no certificate"],
)
@pytest.mark.parametrize("exit_code", [0, 3])
def test_a_command_that_cannot_be_watched_ends_as_it_does(
    changes: dict[str, str], exit_code: int
) -> None:
    said: list[str] = []

    course = run_watched(lambda: exit_code, LOGIN | changes, say=said.append)

    assert course == Course(exit_code=exit_code, remarks=(), never_connected=False)
    assert not said


@pytest.mark.parametrize(("limit", "is_watched"), [(1, False), (10, True)])
def test_a_login_that_may_have_few_sessions_has_them_all_for_the_command(
    limit: int, is_watched: bool, tenant: Tenant, superuser: Session
) -> None:
    superuser.execute(f'ALTER ROLE "{tenant.role}" CONNECTION LIMIT {limit}'.encode())
    variables = {
        "PGHOST": tenant.admin.address.host,
        "PGPORT": str(tenant.admin.address.port),
        "PGDATABASE": tenant.database.name,
        "PGUSER": tenant.role,
        "PGPASSWORD": tenant.password,
        "PGSSLMODE": "disable",
    }
    seen: list[object] = []

    def command() -> int:
        seen.append(
            tenant.value(
                "SELECT count(*)::int FROM pg_stat_activity"
                " WHERE usename = session_user AND pid <> pg_backend_pid()"
            )
        )
        return 0

    course = run_watched(command, variables, say=seen.append)

    assert course.exit_code == 0
    assert seen == [int(is_watched)]

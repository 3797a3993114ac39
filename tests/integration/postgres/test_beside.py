"""Looking on beside a command on a person's machine is never what fails the command."""

import pytest

from app.postgres.beside import Course, run_watched

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

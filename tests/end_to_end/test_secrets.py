"""What a migration command can see, and what of it can be read afterwards."""

from dataclasses import dataclass

import pytest

from tests.end_to_end.conftest import NewProject
from tests.end_to_end.project import Plan, Pushed, wait_until_refused

# Prints all it knows, also in the ways that a mask in the log would miss.
SPILL = """\
env | sort
echo "$DATABASE_URL"
python -c "import os; print('\\n'.join(os.environ['PGPASSWORD']))"
printf %s "$PGPASSWORD" > "$SEEN/password"
env > "$SEEN/environment"
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Spilled:
    """What a run gave its migration command, and what can be read of that."""

    pushed: Pushed
    password: str
    variables: dict[str, str]


@pytest.fixture(scope="module")
def spilled(new_project: NewProject, tmp_path_factory: pytest.TempPathFactory) -> Spilled:
    seen = tmp_path_factory.mktemp("seen")
    project = new_project(
        Plan(
            files={"spill.sh": SPILL},
            command="bash spill.sh",
            inputs={"environments": "branch"},
            environ={"SEEN": str(seen), "DEPLOY_KEY": "a-secret-of-the-workflow"},
        )
    )
    pushed = project.push("feature")
    lines = (seen / "environment").read_text().splitlines()
    return Spilled(
        pushed=pushed,
        password=(seen / "password").read_text(),
        variables=dict(line.split("=", 1) for line in lines if "=" in line),
    )


def test_a_command_that_prints_its_environment_gives_no_secret_away(spilled: Spilled) -> None:
    pushed, password = spilled.pushed, spilled.password
    assert pushed.outcome.succeeded, pushed.log
    assert len(password) >= 16
    assert password not in pushed.log
    shown = str(pushed.check("migrate (branch)").output)
    assert password not in shown
    assert "a-secret-of-the-workflow" not in shown
    service_log = pushed.project.site.service.log.read_text()
    assert password not in service_log


def test_a_command_gets_a_database_and_no_way_to_ask_for_another(spilled: Spilled) -> None:
    variables = spilled.variables
    assert variables["PGDATABASE"].endswith("--feature")
    assert variables["COPPICE_DATABASE"] == variables["PGDATABASE"]
    assert variables["COPPICE_ENVIRONMENT"] == "branch"
    assert not [name for name in variables if name.startswith("ACTIONS_ID_TOKEN")]
    assert not [name for name in variables if name.startswith("ACTIONS_RUNTIME")]


def test_the_login_of_a_migration_ends_with_it(spilled: Spilled) -> None:
    wait_until_refused(spilled.variables["DATABASE_URL"])

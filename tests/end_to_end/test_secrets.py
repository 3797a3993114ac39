"""What a migration command can see, and what of it can be read afterwards."""

from pathlib import Path

from tests.end_to_end.conftest import NewProject
from tests.end_to_end.project import Plan, wait_until_refused

# Prints all it knows, also in the ways that a mask in the log would miss.
SPILL = """\
env | sort
echo "$DATABASE_URL"
python -c "import os; print('\\n'.join(os.environ['PGPASSWORD']))"
printf %s "$PGPASSWORD" > "$SEEN/password"
env > "$SEEN/environment"
"""


def test_a_command_that_prints_its_environment_gives_no_secret_away(
    new_project: NewProject, tmp_path: Path
) -> None:
    project = new_project(
        Plan(
            files={"spill.sh": SPILL},
            command="bash spill.sh",
            inputs={"environments": "branch"},
            environ={"SEEN": str(tmp_path), "DEPLOY_KEY": "a-secret-of-the-workflow"},
        )
    )

    pushed = project.push("feature")

    assert pushed.outcome.succeeded, pushed.log
    password = (tmp_path / "password").read_text()
    assert len(password) >= 16
    assert password not in pushed.log
    shown = str(pushed.check("migrate (branch)").output)
    assert password not in shown
    assert "a-secret-of-the-workflow" not in shown
    service_log = project.site.service.log.read_text()
    assert password not in service_log


def test_a_command_gets_a_database_and_no_way_to_ask_for_another(
    new_project: NewProject, tmp_path: Path
) -> None:
    project = new_project(
        Plan(
            files={"spill.sh": SPILL},
            command="bash spill.sh",
            inputs={"environments": "branch"},
            environ={"SEEN": str(tmp_path)},
        )
    )

    project.push("feature")

    lines = (tmp_path / "environment").read_text().splitlines()
    variables = dict(line.split("=", 1) for line in lines if "=" in line)
    assert variables["PGDATABASE"].endswith("--feature")
    assert variables["COPPICE_DATABASE"] == variables["PGDATABASE"]
    assert variables["COPPICE_ENVIRONMENT"] == "branch"
    assert not [name for name in variables if name.startswith("ACTIONS_ID_TOKEN")]
    assert not [name for name in variables if name.startswith("ACTIONS_RUNTIME")]


def test_the_login_of_a_migration_ends_with_it(new_project: NewProject, tmp_path: Path) -> None:
    project = new_project(
        Plan(
            files={"spill.sh": SPILL},
            command="bash spill.sh",
            inputs={"environments": "branch"},
            environ={"SEEN": str(tmp_path)},
        )
    )

    project.push("feature")

    lines = (tmp_path / "environment").read_text().splitlines()
    url = next(line for line in lines if line.startswith("DATABASE_URL=")).split("=", 1)[1]
    wait_until_refused(url)

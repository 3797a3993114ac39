"""The Action in real workflows: which databases they reach, and what stands on the commit."""

from pathlib import Path

import pytest

from tests.end_to_end import workflows
from tests.end_to_end.conftest import NewProject
from tests.end_to_end.project import Plan, Project, Pushed
from tests.end_to_end.tools import TOOLS

DBMATE = next(tool for tool in TOOLS if tool.name == "dbmate")
HANG = """\
import os, psycopg
psycopg.connect(os.environ["DATABASE_URL"]).execute("SELECT pg_sleep(600)")
"""
PLAN = Plan(files=DBMATE.files, command=DBMATE.command)


@pytest.fixture(scope="module")
def shared_project(new_project: NewProject) -> Project:
    """For tests that each have branches of their own."""
    return new_project(PLAN)


def test_a_branch_is_migrated_in_its_own_database_and_in_preview(shared_project: Project) -> None:
    project = shared_project

    pushed = project.push("its-own")

    assert pushed.outcome.succeeded, pushed.log
    assert pushed.outcome.outputs["result"] == "success"
    assert pushed.outcome.outputs["environment"] == "branch"
    assert (
        pushed.outcome.outputs["database"]
        == project.credentials("--branch", "its-own")["PGDATABASE"]
    )
    assert pushed.outcome.outputs["database"].endswith("--its-own")
    assert list(pushed.results) == ["branch", "preview"]
    assert pushed.check("migrate (branch)").conclusion == "success"
    assert pushed.check("migrate (preview)").conclusion == "success"
    assert pushed.check("database").conclusion == "success"


@pytest.fixture(scope="module")
def released(new_project: NewProject) -> Pushed:
    """What became of the first push to a default branch."""
    return new_project(PLAN).push("main")


def test_the_default_branch_is_migrated_in_preview_and_then_in_production(released: Pushed) -> None:
    pushed, project = released, released.project

    assert pushed.outcome.succeeded, pushed.log
    assert pushed.outcome.outputs["environment"] == "production"
    assert list(pushed.results.items()) == [("preview", "success"), ("production", "success")]
    assert pushed.check("migrate (production)").conclusion == "success"
    assert project.tables("--environment", "production") >= {"users", "orders"}


WIDER = """\
-- migrate:up
ALTER TABLE orders ADD COLUMN note text; -- coppice: ok it is a moment
ALTER TABLE users ALTER COLUMN name TYPE varchar(100);
-- migrate:down
"""


def test_a_branch_is_told_at_its_line_what_it_would_do_to_productions_tables(
    released: Pushed,
) -> None:
    project = released.project
    project.push("wider")

    pushed = project.push("wider", {"db/migrations/20990101000000_wider.sql": WIDER})

    assert pushed.outcome.succeeded, pushed.log
    check = pushed.check("trace")
    assert check.conclusion == "success"
    assert "**Accepted** in the migration: `it is a moment`" in check.output["summary"]
    beside = {(one["start_line"], one["annotation_level"]): one for one in check.annotations}
    assert beside.keys() == {(2, "notice"), (3, "warning")}
    assert beside[3, "warning"]["path"] == "db/migrations/20990101000000_wider.sql"
    assert "Rewrites and blocks reads and writes of users" in beside[3, "warning"]["title"]


def test_the_workflow_that_is_shown_runs_as_it_is_with_one_app_and_with_two(
    new_project: NewProject,
) -> None:
    project = new_project(PLAN)
    first = project.told.partition("\n")[2]

    alone = project.push("main", {workflows.PATH: first})
    told = project.coppice(
        "apps", "assign", "local", "--app-id", "docs", "--migration-command", DBMATE.command
    )
    second = {".github/workflows/database-docs.yml": told.partition("\n")[2]}
    both = project.push("main", second)

    assert "runs-on: self-hosted" in first
    assert alone.outcome.succeeded, alone.log
    assert alone.check("migrate (production)").conclusion == "success"
    assert both.outcome.succeeded, both.log
    assert both.check("migrate (production)").conclusion == "success"
    assert both.check("migrate (production, docs)").conclusion == "success"


def test_a_migration_that_fails_on_preview_never_reaches_production(
    new_project: NewProject,
) -> None:
    project = new_project(PLAN)

    pushed = project.push("main", DBMATE.broken)

    assert not pushed.outcome.succeeded
    assert pushed.outcome.outputs["result"] == "failure"
    assert pushed.results["preview"] == "failure"
    assert pushed.results.get("production") != "success"
    assert pushed.check("migrate (preview)").conclusion == "failure"
    assert "users" not in project.tables("--environment", "production")


def test_a_migration_that_hangs_is_ended_and_says_so(new_project: NewProject) -> None:
    hangs = Plan(
        files={"hang.py": HANG},
        command="python hang.py & sleep 600",
        inputs={"timeout-minutes": "1", "environments": "branch"},
    )
    project = new_project(hangs)

    pushed = project.push("feature")

    assert not pushed.outcome.succeeded
    check = pushed.check("migrate (branch)")
    assert check.conclusion == "failure"
    assert "1 min" in check.output["title"]


def test_the_command_of_the_workflow_wins_over_the_assignment_s(new_project: NewProject) -> None:
    project = new_project(Plan(command="exit 1", inputs={"migration-command": "exit 0"}))

    pushed = project.push("feature")

    assert pushed.outcome.succeeded, pushed.log
    assert pushed.results == {"branch": "never-connected", "preview": "never-connected"}
    assert pushed.check("migrate (branch)").conclusion == "neutral"


def test_later_steps_use_the_branch_s_database_when_the_workflow_asks(
    new_project: NewProject, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    project = new_project(
        Plan(
            files=DBMATE.files,
            command=DBMATE.command,
            inputs={"export-env": "true"},
            later="python -c \"import os, psycopg; psycopg.connect(os.environ['DATABASE_URL'])"
            '.execute(\'SELECT FROM users\')" && printf %s "$PGDATABASE" > "$SEEN"',
            environ={"SEEN": str(seen)},
        )
    )

    pushed = project.push("feature")

    assert pushed.outcome.succeeded, pushed.log
    assert seen.read_text() == pushed.outcome.outputs["database"]


def test_a_workflow_that_asks_for_credentials_only_runs_nothing_and_posts_nothing(
    new_project: NewProject,
) -> None:
    project = new_project(
        Plan(
            command="exit 1",
            inputs={"migrate": "false", "export-env": "true"},
            later='test -n "$DATABASE_URL"',
        )
    )

    pushed = project.push("feature")

    assert pushed.outcome.succeeded, pushed.log
    assert pushed.outcome.outputs["environment"] == "branch"


def test_an_older_commit_never_runs_over_a_newer_one(shared_project: Project) -> None:
    project = shared_project
    github = project.site.github
    older = github.push(project.repository, "newer")
    newer = project.push("newer")
    assert newer.outcome.succeeded, newer.log
    github.create_branch(project.repository, "late", sha=older)

    late = project.run("late")

    assert late.outcome.succeeded, late.log
    assert late.results == {"branch": "success", "preview": "superseded"}


def test_a_merge_queue_migrates_preview_alone(shared_project: Project) -> None:
    project = shared_project
    github = project.site.github
    github.push(project.repository, "queued")
    pull_request = github.open_pull_request(project.repository, "queued")

    merged = project.run(github.queue_merge(pull_request), event="merge_group")

    assert merged.outcome.succeeded, merged.log
    assert merged.results == {"preview": "success"}
    assert merged.check("migrate (preview)").conclusion == "success"


def test_a_workflow_started_by_hand_migrates_its_branch(shared_project: Project) -> None:
    project = shared_project
    project.site.github.push(project.repository, "by-hand")

    ran = project.run("by-hand", event="workflow_dispatch")

    assert ran.outcome.succeeded, ran.log
    assert ran.results == {"branch": "success", "preview": "success"}


def test_a_fork_gets_no_database_and_its_workflow_goes_on(new_project: NewProject) -> None:
    project = new_project(PLAN)
    github = project.site.github
    fork = github.fork(project.repository, owner=github.user("stranger"))
    github.push(fork, "feature")
    pull_request = github.open_pull_request(
        project.repository, "feature", head_repository=fork, author=github.user("stranger")
    )

    ran = project.run_pull_request(pull_request)

    assert ran.outcome.succeeded, ran.log
    assert ran.outcome.outputs["result"] == "skipped"
    assert [each["environment"] for each in project.databases()] == ["production", "preview"]
    assert ran.check("migrate (branch)").conclusion == "skipped"


@pytest.mark.parametrize(
    ("branch", "ending"),
    [
        ("feature/login", "--feature-login--"),
        ("Feature", "--feature--"),
        ("fix-$(id)", "--fix-id--"),
        ("a--b", "--a-b--"),
        ("production", "--production--"),
        ("🌱", "--x--"),
        ("long/" + "x" * 245, f"--long-{'x' * 36}--"),
    ],
    ids=["slash", "upper-case", "shell", "double-dash", "reserved", "emoji", "250-bytes"],
)
def test_a_branch_of_any_name_has_a_database_of_its_own(
    shared_project: Project, branch: str, ending: str
) -> None:
    pushed = shared_project.push(branch)

    assert pushed.outcome.succeeded, pushed.log
    database = pushed.outcome.outputs["database"]
    assert database[6:-12] == ending
    assert shared_project.tables("--branch", branch) >= {"users", "orders"}
    assert pushed.check("migrate (branch)").conclusion == "success"

"""Sample data, brought by real tools: once for each new database, and again when it is emptied."""

import pytest

from tests.end_to_end.conftest import NewProject
from tests.end_to_end.project import Plan, Project
from tests.end_to_end.tools import QUIET, TOOLS

DBMATE = next(tool for tool in TOOLS if tool.name == "dbmate")
PRISMA = next(tool for tool in TOOLS if tool.name == "prisma")
SEED = "python seed.py"
SCRIPT = """\
import os
import psycopg

with psycopg.connect(os.environ["DATABASE_URL"]) as connection:
    connection.execute("INSERT INTO users (name) VALUES ('Ada')")
print("one user sown")
"""
BROKEN = {"seed.py": "raise SystemExit(7)\n"}


@pytest.fixture
def project(new_project: NewProject) -> Project:
    """Migrates with dbmate and seeds with a script of its own."""
    return new_project(
        Plan(
            files={**DBMATE.files, "seed.py": SCRIPT},
            command=DBMATE.command,
            inputs={"seed-command": SEED},
        )
    )


def users(project: Project, *which: str) -> int:
    [(count,)] = project.query("SELECT count(*) FROM users", *which)
    return int(count)


def test_a_new_database_is_seeded_once_and_again_after_a_reset(project: Project) -> None:
    first = project.push("feature")

    assert first.outcome.succeeded, first.log
    assert first.seeds == {"branch": "success", "preview": "success"}
    assert users(project, "--branch", "feature") == 1
    assert "seeded in" in first.check("migrate (branch)").output["title"]

    second = project.run("feature")

    assert second.outcome.succeeded, second.log
    assert second.seeds == {"branch": None, "preview": None}
    assert users(project, "--branch", "feature") == 1

    project.coppice("databases", "reset", "--branch", "feature", "--yes")
    third = project.run("feature")

    assert third.seeds == {"branch": "success", "preview": None}
    assert users(project, "--branch", "feature") == 1

    project.coppice("databases", "seed", "--branch", "feature")
    fourth = project.run("feature")

    assert fourth.seeds == {"branch": "success", "preview": None}
    assert users(project, "--branch", "feature") == 2


def test_a_failing_seed_fails_the_commit_whose_migration_succeeded(project: Project) -> None:
    broken = project.push("feature", BROKEN)

    assert not broken.outcome.succeeded
    assert "the migration itself succeeded" in broken.log
    assert broken.results["branch"] == "success"
    assert broken.seeds["branch"] == "failure"
    check = broken.check("migrate (branch)")
    assert check.conclusion == "failure"
    assert "the seed command failed with exit code 7" in check.output["title"]
    assert "The migration itself succeeded" in check.output["summary"]
    assert project.tables("--branch", "feature") >= {"users", "orders"}

    mended = project.push("feature", {"seed.py": SCRIPT})

    assert mended.outcome.succeeded, mended.log
    assert mended.seeds["branch"] == "success"
    assert users(project, "--branch", "feature") == 1


def test_production_is_migrated_without_its_preview_s_sample_data(project: Project) -> None:
    pushed = project.push("main")

    assert pushed.outcome.succeeded, pushed.log
    assert pushed.seeds == {"preview": "success", "production": None}
    assert users(project, "--environment", "preview") == 1
    assert users(project, "--environment", "production") == 0


def test_prisma_seeds_with_the_command_of_the_assignment(new_project: NewProject) -> None:
    if PRISMA.needs is None or not PRISMA.needs.exists():
        pytest.skip("script/setup could not install prisma: Node.js with npm is missing")
    project = new_project(
        Plan(
            files=PRISMA.files,
            command=PRISMA.command,
            inputs={"environments": "branch"},
            build=PRISMA.build,
            environ=QUIET,
        )
    )
    project.coppice("apps", "edit", "--seed-command", "npx prisma db seed")

    pushed = project.push("feature")

    assert pushed.outcome.succeeded, pushed.log
    assert pushed.seeds["branch"] == "success"
    assert users(project, "--branch", "feature") == 1

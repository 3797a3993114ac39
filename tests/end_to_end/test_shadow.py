"""`prisma migrate dev` on the database for local work, by a login that may make no databases."""

import os
import subprocess
from pathlib import Path

import psycopg
import pytest

from tests.end_to_end.conftest import NewProject
from tests.end_to_end.project import Plan, Project
from tests.end_to_end.tools import QUIET, TOOLS

PRISMA = next(tool for tool in TOOLS if tool.name == "prisma")
DEV = ("--environment", "dev")


@pytest.fixture
def project(new_project: NewProject) -> Project:
    return new_project(Plan(command=PRISMA.command))


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A developer's working copy, with the packages installed."""
    if PRISMA.needs is None or not PRISMA.needs.exists():
        pytest.skip("script/setup could not install prisma: Node.js with npm is missing")
    for path, text in PRISMA.files.items():
        (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / path).write_text(text)
    (tmp_path / "node_modules").symlink_to(PRISMA.needs / "node_modules")
    return tmp_path


def prisma(
    checkout: Path, *arguments: str, variables: dict[str, str]
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        # What `npx prisma` runs, without the seconds of npm's own start.
        [checkout / "node_modules/.bin/prisma", *arguments],
        cwd=checkout,
        env={"PATH": os.environ["PATH"], "HOME": str(checkout), **QUIET, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def add_a_column(checkout: Path) -> None:
    schema = checkout / "prisma/schema.prisma"
    changed = schema.read_text().replace("  name   String\n", "  name   String\n  email  String?\n")
    schema.write_text(changed)


MAKE = ("migrate", "dev", "--name", "emails", "--skip-generate")


def test_prisma_makes_a_migration_with_the_shadow_database(
    project: Project, checkout: Path
) -> None:
    variables = project.credentials(*DEV)
    # This engine wants the migrations that are there to be applied before it makes another.
    assert prisma(checkout, "migrate", "deploy", variables=variables).returncode == 0
    add_a_column(checkout)

    made = prisma(checkout, *MAKE, variables=variables)

    assert made.returncode == 0, made.stdout + made.stderr
    [script] = (checkout / "prisma/migrations").glob("*_emails/migration.sql")
    assert 'ALTER TABLE "users" ADD COLUMN     "email" TEXT' in script.read_text()
    assert columns(variables["DATABASE_URL"]) >= {"name", "email"}
    # Made from what the migrations alone gave there.
    assert columns(variables["SHADOW_DATABASE_URL"]) >= {"name"}
    again = prisma(checkout, "migrate", "dev", "--skip-generate", variables=variables)
    assert "Already in sync" in again.stdout


def test_prisma_starts_over_on_the_database_for_local_work(
    project: Project, checkout: Path
) -> None:
    variables = project.credentials(*DEV)

    for _ in range(2):
        reset = prisma(
            checkout, "migrate", "reset", "--force", "--skip-generate", variables=variables
        )

        assert reset.returncode == 0, reset.stdout + reset.stderr
    assert project.tables(*DEV) >= {"users", "orders"}


def test_without_the_shadow_database_prisma_may_not_make_one(
    project: Project, checkout: Path
) -> None:
    variables = project.credentials(*DEV)
    add_a_column(checkout)

    refused = prisma(checkout, *MAKE, variables={**variables, "SHADOW_DATABASE_URL": ""})

    assert refused.returncode != 0
    assert "permission denied to create database" in refused.stdout + refused.stderr


def columns(url: str) -> set[str]:
    """The columns of the table users."""
    with psycopg.connect(url) as connection:
        rows = connection.execute(
            "SELECT attname FROM pg_attribute WHERE attrelid = to_regclass('users') AND attnum > 0"
        )
        return {name for (name,) in rows}

"""A job that has other databases' URLs: tools migrate this one all the same."""

import sys
from pathlib import Path

import psycopg
import pytest

from tests.integration.action.conftest import NewDatabase, RealDatabase
from tests.integration.action.step import Step

_NODE = Path(__file__).resolve().parents[3] / "build/prisma/node_modules"
# Each reads `.env` as its users' tools do, and the first name that is set.
PYTHON = f"""{sys.executable} - <<'END'
import os
from dotenv import load_dotenv
import psycopg
load_dotenv('.env')
url = os.environ.get("DIRECT_DATABASE_URL") or os.environ["DATABASE_URL"]
with psycopg.connect(url) as session:
    session.execute("CREATE TABLE made (id int)")
END"""
NODE = """node - <<'END'
require("dotenv").config({ quiet: true });
const { Client } = require("pg");
const url = process.env.DIRECT_DATABASE_URL || process.env.DATABASE_URL;
const client = new Client({ connectionString: url });
client.connect().then(() => client.query("CREATE TABLE made (id int)")).then(() => client.end());
END"""


@pytest.fixture
def other(step: Step, new_database: NewDatabase) -> RealDatabase:
    """A database that job and checkout know by the names of tools."""
    database = new_database("preview")
    names = ("DIRECT_DATABASE_URL", "POSTGRES_URL", "REPORTING_URL", "WAREHOUSE_URL")
    step.environ |= dict.fromkeys(names, database.url)
    (step.workspace / ".env").write_text("".join(f"{name}={database.url}\n" for name in names))
    return database


def tables(database: RealDatabase) -> list[str]:
    with psycopg.connect(database.url) as session:
        found = session.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return [row[0] for row in found.fetchall()]


@pytest.mark.parametrize("tool", [PYTHON, NODE], ids=["python", "node"])
def test_a_tool_that_reads_another_name_or_a_file_migrates_this_database(
    step: Step, branch: RealDatabase, other: RealDatabase, tool: str
) -> None:
    if tool == NODE and not _NODE.exists():
        pytest.skip("script/setup could not install Node.js packages")
    step.environ["NODE_PATH"] = str(_NODE)

    finished = step.run(migration_command=tool)

    assert finished.exit_code == 0, finished.log.text
    assert (tables(branch), tables(other)) == (["made"], [])


def test_what_is_set_and_what_is_taken_away_is_said_by_name_alone(
    step: Step, branch: RealDatabase, other: RealDatabase
) -> None:
    finished = step.run(
        migration_command='echo "$POSTGRES_URL|$MY_URL|${REPORTING_URL-no}|$WAREHOUSE_URL" > seen',
        database_variables="MY_URL",
        keep_env="WAREHOUSE_URL",
    )

    seen = (step.workspace / "seen").read_text().strip().split("|")
    assert seen == [branch.url, branch.url, "no", other.url]
    assert "too: DIRECT_DATABASE_URL, MY_URL, POSTGRES_URL." in finished.log.text
    assert "other databases: REPORTING_URL. " in finished.log.text
    assert other.password not in finished.log.raw


def test_the_users_own_names_are_exported_too(step: Step, branch: RealDatabase) -> None:
    finished = step.run(migrate="false", export_env="true", database_variables="MY_URL")

    assert finished.exported["MY_URL"] == branch.url

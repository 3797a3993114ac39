"""Real migration tools on a branch's database, run by the Action in a real workflow."""

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from app.postgres.embedded.binaries import find_binaries
from demo.runner import TOOLS as PROGRAMS
from tests.end_to_end.conftest import NewProject
from tests.end_to_end.project import Plan, Project
from tests.end_to_end.tools import ENVIRON, TOOLS, Tool

TABLES = 2


class Machine:
    """Somebody's own, in whose shell the same command goes to its database directly."""

    def __init__(self, folder: Path, database: Mapping[str, str]) -> None:
        self._folder = folder
        self._environ = {
            "PATH": f"{PROGRAMS}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(folder),
            **ENVIRON,
            **database,
        }

    def run(self, files: Mapping[str, str]) -> int:
        """Run the command with these files beside those that are there; returns its exit code."""
        for path, text in files.items():
            file = self._folder / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(text)
        return subprocess.run(
            ["sh", "migrate.sh"],
            cwd=self._folder,
            env=self._environ,
            stdin=subprocess.DEVNULL,
            check=False,
        ).returncode


@pytest.fixture(params=TOOLS, ids=lambda tool: tool.name)
def tool(request: pytest.FixtureRequest) -> Tool:
    tool: Tool = request.param
    if tool.needs is not None and not tool.needs.exists():
        pytest.skip(f"script/setup could not install {tool.name}: Node.js with npm is missing")
    return tool


@pytest.fixture(scope="module")
def project(new_project: NewProject) -> Project:
    """One for all tools: each has branches of its own, with its own files."""
    return new_project(
        Plan(command="sh migrate.sh", inputs={"environments": "branch"}, environ=ENVIRON)
    )


def test_a_traced_tool_does_what_it_does_without_a_trace_and_so_does_its_failure(
    tool: Tool, project: Project, tmp_path: Path
) -> None:
    files = {**tool.files, "migrate.sh": f"{tool.build}\n{tool.command}\n"}
    untouched = project.site.github.push(project.repository, f"direct-{tool.name}")
    project.check("database", untouched)
    database = project.credentials("--branch", f"direct-{tool.name}")
    direct = Machine(tmp_path, database)

    first = project.push(tool.name, files)

    exit_code, trace = first.traced
    assert exit_code == direct.run(files) == 0, first.log
    assert first.results == {"branch": "success"}
    made = [each["sql"] for each in trace["statements"] if each["tag"] == "CREATE TABLE"]
    assert len(made) >= TABLES, trace
    assert trace["untraced"] is None
    branch = project.credentials("--branch", tool.name)
    assert schema_of(branch) == schema_of(database)
    assert schema_of(branch).count("CREATE TABLE ") >= TABLES

    # What was applied is not applied again: that would fail in another way, and before it.
    broken = project.push(tool.name, tool.broken)

    exit_code, trace = broken.traced
    assert exit_code == direct.run(tool.broken) != 0, broken.log
    assert broken.results == {"branch": "failure"}
    # Prisma asks first for a table of its own; Knex works on in the transaction that failed.
    [failed] = [each for each in trace["statements"] if each["error"] == "42P01"][-1:]
    assert "customers" in failed["sql"], failed
    assert (failed["file"], failed["line"]) == tool.broken_at
    assert schema_of(branch) == schema_of(database)
    assert first.check("migrate (branch)").conclusion == "success"
    assert broken.check("migrate (branch)").conclusion == "failure"


def schema_of(database: Mapping[str, str]) -> str:
    """What pg_dump says of a database but for who owns what."""
    return subprocess.run(
        [
            find_binaries(None).folder / "pg_dump",
            "--schema-only",
            "--no-owner",
            "--no-privileges",
            "--restrict-key=same",
            database["DATABASE_URL"],
        ],
        capture_output=True,
        text=True,
        check=True,
    ).stdout

"""Real migration tools on a branch's database, run by the Action in a real workflow."""

import pytest

from tests.end_to_end.conftest import NewProject
from tests.end_to_end.project import Plan, Project
from tests.end_to_end.tools import ENVIRON, TOOLS, Tool

OURS = {"users", "orders"}
# Django prefixes tables with the name of its app.
NAMES = {"django": {"shop_user", "shop_order"}}


@pytest.fixture(params=TOOLS, ids=lambda tool: tool.name)
def tool(request: pytest.FixtureRequest) -> Tool:
    tool: Tool = request.param
    if tool.needs is not None and not tool.needs.exists():
        pytest.skip(f"script/setup could not install {tool.name}: Node.js with npm is missing")
    return tool


@pytest.fixture
def project(tool: Tool, new_project: NewProject) -> Project:
    return new_project(
        Plan(files=tool.files, command=tool.command, build=tool.build, environ=ENVIRON)
    )


def test_a_tool_migrates_a_branch_once_and_its_failure_fails_the_commit(
    tool: Tool, project: Project
) -> None:
    """All of it traced, as branches are by default."""
    first = project.push("feature")

    assert first.outcome.succeeded, first.log
    assert first.results == {"branch": "success", "preview": "success"}
    assert project.tables("--branch", "feature") >= NAMES.get(tool.name, OURS)
    made = [each["sql"] for each in first.trace["statements"] if each["tag"] == "CREATE TABLE"]
    assert len(made) >= len(OURS), first.trace
    assert first.trace["untraced"] is None

    again = project.run("feature")

    assert again.outcome.succeeded, again.log
    assert again.results == {"branch": "success", "preview": "success"}

    broken = project.push("feature", tool.broken)

    assert not broken.outcome.succeeded
    assert broken.results["branch"] == "failure"
    failed = [each for each in broken.trace["statements"] if each["error"] == "42P01"]
    assert (failed[-1]["file"], failed[-1]["line"]) == tool.broken_at
    assert broken.check("migrate (branch)").conclusion == "failure"
    assert first.check("migrate (branch)").conclusion == "success"

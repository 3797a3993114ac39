"""The workflow that is shown to copy: YAML that GitHub takes, whatever the names hold."""

from dataclasses import replace

import pytest
import yaml  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from app.core.identifiers import AppId, BranchName
from app.core.workflow_file import WorkflowFile, is_action

SHOP = WorkflowFile(
    action="acme/coppice@v1",
    service_url="https://coppice.example.com",
    app_id=AppId("3ba03b"),
    is_first_app=True,
    needs_app=False,
    migration_command="npx prisma migrate deploy",
    default_branch=BranchName("main"),
)


def inputs_of(file: WorkflowFile) -> dict[str, object]:
    steps = yaml.safe_load(file.text)["jobs"]["migrate"]["steps"]
    found: dict[str, object] = steps[-1]["with"]
    return found


def test_the_file_is_whole() -> None:
    read = yaml.safe_load(SHOP.text)

    # YAML 1.1 takes `on` for true.
    assert read[True] == {
        "push": {"branches": ["**"]},
        "workflow_dispatch": None,
        "merge_group": None,
    }
    assert read["permissions"] == {"contents": "read", "id-token": "write"}
    [job] = read["jobs"].values()
    assert job["runs-on"] == "ubuntu-latest"
    assert [step["uses"] for step in job["steps"]] == ["actions/checkout@v5", "acme/coppice@v1"]
    assert job["steps"][-1]["with"] == {
        "service-url": "https://coppice.example.com",
        "migration-command": "npx prisma migrate deploy",
    }


@pytest.mark.parametrize("app_id", ["3ba03b", "3e4567", "012345", "on", "0b1010"])
def test_of_several_apps_the_file_names_its_own(app_id: str) -> None:
    file = replace(SHOP, app_id=AppId(app_id), needs_app=True, is_first_app=False)

    assert inputs_of(file)["app"] == app_id
    assert file.path == f".github/workflows/database-{app_id}.yml"


@given(
    command=st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1)
    | st.lists(st.text("ab: #-'\"{}\t\\", min_size=1), min_size=1).map("\n".join)
)
def test_any_command_comes_out_as_it_was(command: str) -> None:
    file = replace(SHOP, migration_command=command)

    assert inputs_of(file)["migration-command"] == command


def test_github_evaluates_nothing_that_stands_in_an_assignment() -> None:
    file = replace(SHOP, migration_command="echo ${{ secrets.TOKEN }}")

    assert "migration-command" not in inputs_of(file)
    assert "${{" not in file.text


def test_production_gets_its_environment_on_the_default_branch_only() -> None:
    file = replace(SHOP, production_environment="the 'real' one")

    job = yaml.safe_load(file.text)["jobs"]["migrate"]
    assert job["environment"] == (
        "${{ github.ref == 'refs/heads/main' && 'the ''real'' one' || '' }}"
    )


def test_a_server_that_only_its_own_machine_reaches_gets_a_runner_there() -> None:
    file = replace(SHOP, is_for_this_machine_only=True)

    assert yaml.safe_load(file.text)["jobs"]["migrate"]["runs-on"] == "self-hosted"


@pytest.mark.parametrize(
    ("name", "is_good"),
    [
        ("acme/coppice@v1", True),
        ("mirrors/acme.coppice/sub/folder@0123456789abcdef0123456789abcdef01234567", True),
        ("acme/coppice", False),
        ("acme/coppice@v1 # pinned", False),
        ("https://github.com/acme/coppice@v1", False),
        ("acme/coppice@v1\nrun: x", False),
    ],
)
def test_an_action_is_named_as_uses_takes_it(name: str, is_good: bool) -> None:
    assert is_action(name) is is_good

"""The documents name what there is, and all of it."""

import re
import textwrap
from pathlib import Path

import pytest

from app.config import PREFIX, Config
from app.core.assignments import RULES
from app.core.identifiers import AppId, BranchName
from app.core.workflow_file import ACTION, WorkflowFile

ROOT = Path(__file__).parents[2]
TEXTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "app").rglob("*.py"),
    *(ROOT / "action").rglob("*.py"),
]
SETTINGS = sorted(PREFIX + name.upper() for name in Config.model_fields if name not in {"warnings"})


def test_a_document_that_is_named_exists() -> None:
    missing = []
    for path in TEXTS:
        named = {ROOT / name for name in re.findall(r"\bdocs/[a-z0-9/-]+\.md", path.read_text())}
        if path.suffix == ".md":
            links = re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text())
            named |= {path.parent / link for link in links}
        missing += [(path, name) for name in named if not name.exists()]

    assert missing == []


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_is_described_for_operators(setting: str) -> None:
    assert f"`{setting}`" in (ROOT / "docs/operating.md").read_text()


def test_every_rule_of_an_assignment_is_described_as_commands_describe_it() -> None:
    rows = [
        f"| `{' '.join(filter(None, (rule.option, rule.metavar)))}` | {rule.label} | {rule.help} |"
        for rule in RULES
    ]

    assert "\n".join(rows) in (ROOT / "docs/operating.md").read_text()


def test_every_input_and_output_of_the_action_is_described() -> None:
    declared, _, _ = (ROOT / "action.yml").read_text().partition("\nruns:")
    names = re.findall(r"^  ([a-z-]+):$", declared, re.MULTILINE)
    described = (ROOT / "docs/action.md").read_text()

    assert len(names) >= 16
    assert [name for name in names if f"`{name}`" not in described] == []


@pytest.mark.parametrize(
    ("name", "url", "command"),
    [
        ("README.md", "https://coppice.example.com", "npx prisma migrate deploy"),
        ("docs/action.md", "https://coppice.example.com", "npx prisma migrate deploy"),
        (
            "demo/shop/.github/workflows/database.yml",
            "{service-url}",
            "dbmate --wait --no-dump-schema migrate",
        ),
    ],
)
def test_a_workflow_is_shown_as_the_service_writes_it(name: str, url: str, command: str) -> None:
    workflow = WorkflowFile(
        action=ACTION,
        service_url=url,
        app_id=AppId("3ba03b"),
        is_first_app=True,
        needs_app=False,
        migration_command=command,
        default_branch=BranchName("main"),
    )
    text = (ROOT / name).read_text()

    assert workflow.text in text or textwrap.indent(workflow.text, "   ") in text

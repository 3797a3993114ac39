"""The documents name what there is, and all of it."""

import re
from pathlib import Path

import pytest

from app.config import PREFIX, Config

ROOT = Path(__file__).parents[2]
TEXTS = [
    *ROOT.glob("*.md"),
    *(ROOT / "docs").rglob("*.md"),
    *(ROOT / "app").rglob("*.py"),
    *(ROOT / "action").rglob("*.py"),
]
SETTINGS = sorted(PREFIX + name.upper() for name in Config.model_fields if name not in {"warnings"})


@pytest.mark.parametrize("path", TEXTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_that_is_named_exists(path: Path) -> None:
    named = set(re.findall(r"\bdocs/[a-z0-9/-]+\.md", path.read_text()))
    linked = set(re.findall(r"\]\((?!https?://|#)([^)#]+)", path.read_text()))

    assert {name for name in named if not (ROOT / name).exists()} == set()
    if path.suffix == ".md":
        assert {link for link in linked if not (path.parent / link).exists()} == set()


@pytest.mark.parametrize("setting", SETTINGS)
def test_a_setting_is_described_for_operators(setting: str) -> None:
    assert f"`{setting}`" in (ROOT / "docs/operating.md").read_text()


def test_every_input_and_output_of_the_action_is_described() -> None:
    declared, _, _ = (ROOT / "action.yml").read_text().partition("\nruns:")
    names = re.findall(r"^  ([a-z-]+):$", declared, re.MULTILINE)
    described = (ROOT / "docs/action.md").read_text()

    assert len(names) >= 16
    assert [name for name in names if f"`{name}`" not in described] == []

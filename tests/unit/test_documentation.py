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


def test_every_input_and_output_of_the_action_is_described() -> None:
    declared, _, _ = (ROOT / "action.yml").read_text().partition("\nruns:")
    names = re.findall(r"^  ([a-z-]+):$", declared, re.MULTILINE)
    described = (ROOT / "docs/action.md").read_text()

    assert len(names) >= 16
    assert [name for name in names if f"`{name}`" not in described] == []

"""action.yml and the code that reads its inputs agree."""

import re
import tomllib
from pathlib import Path

from action import harmless, inputs

ROOT = Path(__file__).resolve().parents[3]
TEXT = (ROOT / "action.yml").read_text()
SOURCE = (ROOT / "action/inputs.py").read_text()
GUIDE = (ROOT / "docs/action.md").read_text()


def section(name: str) -> str:
    """One top-level block of action.yml."""
    return re.split(r"^(?=\S)", TEXT.split(f"\n{name}:\n")[1], flags=re.MULTILINE)[0]


INPUTS = re.findall(r"^  ([a-z-]+):$", section("inputs"), re.MULTILINE)
OUTPUTS = re.findall(r"^  ([a-z-]+):$", section("outputs"), re.MULTILINE)


def variable(name: str) -> str:
    return inputs.PREFIX + name.upper().replace("-", "_")


def test_every_input_reaches_the_code_by_a_variable_with_our_prefix() -> None:
    given = dict(re.findall(r"^        (\w+): \$\{\{ inputs\.([a-z-]+) \}\}$", TEXT, re.MULTILINE))

    assert given == {variable(name): name for name in INPUTS}


def test_the_code_reads_every_input_and_no_other() -> None:
    read = set(re.findall(r'reader\.\w+\(\s*"([a-z-]+)"', SOURCE))

    assert read - {"service-url"} <= set(INPUTS)
    assert set(INPUTS) == read | {"service-url"}


def test_our_own_inputs_are_harmless() -> None:
    assert {variable(name) for name in INPUTS} <= harmless.NAMES


def test_the_guide_tells_of_every_input_and_output() -> None:
    missing = [name for name in INPUTS + OUTPUTS if f"| `{name}` |" not in GUIDE]

    assert not missing


def test_the_oldest_python_is_the_same_everywhere() -> None:
    target = tomllib.loads((ROOT / "action/ruff.toml").read_text())["target-version"]

    assert target == "py39"
    assert "(3, 9)" in (ROOT / "action/run.sh").read_text()
    assert "Python 3.9" in GUIDE

"""Each command that people are told to type is one, with options that it has."""

import ast
import re
import shlex
from functools import cache
from pathlib import Path
from typing import Any

import typer

from app.cli.output import COMMANDS
from app.cli.program import program

ROOT = Path(__file__).parents[2]
SOURCES = [*(ROOT / "app").rglob("*.py"), *(ROOT / "action").rglob("*.py")]
TEXTS = [
    *(ROOT / "app/web/templates").glob("*.html"),
    *(ROOT / "docs").glob("*.md"),
    ROOT / "README.md",
    ROOT / "compose.yaml",
    ROOT / "action.yml",
]
# Up to where the command ends: a quotation mark of prose or code, a bracket, a sentence.
_PRINTED = re.compile(r"\bcoppice ((?:--local |--remote )?[a-z-]+\b[^\n`<)\"“”;>|&]*)")
_GROUPS = ("apps", "databases", "instances", "tokens")
_BARE = re.compile(rf"`(?:{'|'.join(_GROUPS)}) [a-z]")


def root() -> Any:
    return typer.main.get_command(program)


@cache
def written_in(path: Path) -> list[str]:
    """The texts of a module that are not for those who read its code; gaps are filled by X."""
    tree = ast.parse(path.read_text())
    documents = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    inner: set[int] = set()
    texts = []
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            inner |= {id(one) for one in node.values}
            parts = [one.value if isinstance(one, ast.Constant) else "X" for one in node.values]
            texts.append("".join(map(str, parts)))
        elif isinstance(node, ast.Constant) and id(node) not in documents | inner:
            texts.append(str(node.value))
    return texts


def printed() -> list[tuple[str, str]]:
    found = []
    for path in SOURCES:
        for text in written_in(path):
            found += [(path.name, one) for one in _PRINTED.findall(text)]
    for path in TEXTS:
        text = re.sub(r"{{.*?}}", "X", path.read_text())
        text = re.sub(r"{%.*?%}", "", text)
        found += [(path.name, one) for one in _PRINTED.findall(text)]
    return found


def words_of(command: str) -> list[str]:
    """The words up to the first that is prose's again."""
    try:
        words = shlex.split(command)
    except ValueError:
        words = command.split()
    return [word.rstrip(",:") if word == "..." else word.rstrip(".,:") for word in words]


def problem_of(command: str) -> str | None:
    words = [one for one in words_of(command) if one not in ("--local", "--remote")]
    here = root()
    while words and hasattr(here, "commands"):
        if words[0] == "..." or (words[0] == "X" and len(words) == 1):
            return None
        if words[0] not in here.commands:
            return f"no command {words[0]}"
        here = here.commands[words.pop(0)]
    known = {name for one in here.params for name in (*one.opts, *one.secondary_opts)}
    known |= {"--help"}
    for word in words:
        if word.startswith("--") and word.partition("=")[0] not in known:
            return f"no option {word}"
    return None


def test_what_follows_the_name_is_what_there_is() -> None:
    assert {one for one in COMMANDS if not one.startswith("-")} == set(root().commands)


def test_each_command_that_is_printed_is_one() -> None:
    found = [(name, one) for name, one in printed() if one.split()[0] in COMMANDS]

    assert len(found) > 60
    assert [(*one, why) for one in found if (why := problem_of(one[1]))] == []


def test_a_command_is_called_by_one_name_only() -> None:
    # The audit trail names what was done in words of its own.
    texts = [one for path in SOURCES if path.name != "audit.py" for one in written_in(path)]

    assert len(texts) > 1000
    assert [one for one in texts if "python -m app" in one or _BARE.search(one)] == []

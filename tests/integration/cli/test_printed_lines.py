"""Each printed command line is typed, with one app in the repository and with two."""

import json
import re
from typing import Any

import pytest
import typer

from app.cli.program import program
from demo.github.model import Repository
from demo.github.server import LocalGitHub
from tests.integration.serve.installation import Installation
from tests.unit.test_printed_commands import printed, words_of

# What stays (`serve`), asks for a person or another service (`login`), makes servers (`provision`,
# with tests of its own), or is about another machine.
NOT_TYPED = ("serve", "web", "worker", "login", "logout", "instances provision", "tokens")
GAPS = {
    "OWNER/REPO": "acme/shop",
    "OWNER/REPOSITORY": "acme/shop",
    "{app}": "acme/shop",
    "INSTANCE": "main",
    "local": "main",
    "HOST": "127.0.0.1",
    "db.example.com": "127.0.0.1",
    "COMMAND": "true",
    "CODE": "temp_file_limit",
}


def is_whole(words: list[str]) -> bool:
    """Whether it is a command line, and not the name of a command or option in a sentence."""
    here: Any = typer.main.get_command(program)
    rest = list(words)
    while hasattr(here, "commands"):
        if not rest or rest[0] not in here.commands:
            return False
        here = here.commands[rest.pop(0)]
    try:
        here.make_context(words[0], rest)
    except Exception:  # a mistake, told by whichever click typer brings along
        return False
    return True


def lines(app: str, database: str) -> set[tuple[str, ...]]:
    """The printed command lines, their gaps filled in."""
    named = {"databases": database, "instances": "main"}
    found = set()
    for _, text in printed():
        words = words_of(re.split(r"\s{2,}|\\|#", text.strip())[0])
        gap = app if words[1:2] == ["list"] else named.get(words[0] if words else "", app)
        filled = [GAPS.get(word, gap if word in ("X", "NAME") else word) for word in words]
        if filled[:2] == ["apps", "assign"] and filled[2:4] == [app, app]:
            filled[3] = "main"
        line = " ".join(filled)
        is_typed = filled and not line.startswith((*NOT_TYPED, "--")) and "--help" not in filled
        if is_typed and not re.search(r"\.\.\.|XX", line) and is_whole(filled):
            found.add(tuple(filled))
    return found


@pytest.mark.parametrize("apps", [1, 2])
def test_no_printed_line_is_a_mistake(
    assigned: Installation, github: LocalGitHub, shop: Repository, apps: int
) -> None:
    github.push(shop, "feature/login")
    assigned.ok("databases", "create", "acme/shop", "--branch", "feature/login")
    if apps == 2:
        second = ("--app-id", "second", "--migration-command", "true")
        assigned.ok("apps", "assign", "acme/shop", "main", *second)
    [database] = json.loads(assigned.ok("databases", "list", "acme/shop", "--json"))
    typed = lines("acme/shop", database["name"])

    ended = {" ".join(line): assigned.run(*line) for line in sorted(typed)}

    assert len(ended) >= 25
    wrong = {
        line: finished.stdout + finished.stderr
        for line, finished in ended.items()
        if finished.returncode not in (0, 1)
        or "Traceback" in finished.stderr
        or not finished.stdout + finished.stderr
    }
    assert wrong == {}

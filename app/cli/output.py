"""What commands print: tables for people, JSON for programs, remarks on stderr.

Commands in it are written as the person at this terminal can type them.
"""

import json
import os
import re
import shlex
import shutil
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from app.core.advised_sql import laid_out
from app.core.errors import Invalid

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for programs.")]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask whether it is meant.")]

Row = Mapping[str, object]

THINGS = "Looking after things"
"""Title over the commands that do."""

_STYLES = {
    "Connected": "green",
    "ready": "green",
    "ok": "green",
    "Creating": "yellow",
    "creating": "yellow",
    "warning": "yellow",
    "Error": "red",
    "error": "red",
    "broken": "red",
}


def say(text: str) -> None:
    """One plain line on stdout, as it is: what a program may read."""
    typer.echo(text)


def tell(text: str) -> None:
    """A sentence for a person, on stdout; commands in it are as this one was called."""
    typer.echo(as_called(text))


def remark(text: str) -> None:
    """A line for the person at the terminal; stdout stays what a program can read."""
    typer.echo(harmless(as_called(laid_out(text))), err=True)


def note(text: str) -> None:
    """The same, word for word: what looks like a command or SQL in it may be somebody's name."""
    typer.echo(harmless(text), err=True)


def show_rows(
    rows: Sequence[Row], *, as_json: bool, empty: str, only_json: Collection[str] = ()
) -> None:
    """Print a listing. The keys of the rows become headings; `empty` says what to do if none.

    A table leaves out columns in which no row has anything, and those for programs; JSON has all.
    """
    if as_json:
        say(json.dumps(list(rows), indent=2, default=_plain))
    elif not rows:
        remark(empty)
    else:
        table = Table(box=None, pad_edge=False, header_style="bold")
        names = [
            name
            for name in rows[0]
            if name not in only_json and any(row[name] is not None for row in rows)
        ]
        for name in names:
            table.add_column(name.replace("_", " ").upper(), overflow="fold")
        for row in rows:
            table.add_row(*(_cell(row[name]) for name in names))
        _print(table)


def show_remarks(remarks: Sequence[tuple[str, str, str]]) -> None:
    """Print states with what was found and, on lines of its own, what to do about it.

    Two columns, so that long names and sentences fit the width of a terminal.
    """
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for state, words, advice in remarks:
        table.add_row(_cell(state), Text(harmless(words)))
        if advice:
            table.add_row("", Text(harmless(as_called(laid_out(advice))), style="dim"))
    _print(table)


def show_record(record: Row, *, as_json: bool) -> None:
    """Print one thing, a line for each of its properties."""
    if as_json:
        say(json.dumps(record, indent=2, default=_plain))
        return
    table = Table(box=None, pad_edge=False, show_header=False)
    table.add_column(style="bold")
    table.add_column(overflow="fold")
    for name, value in record.items():
        table.add_row(name.replace("_", " "), _cell(value))
    _print(table)


def need_changes(command: str, *given: object) -> None:
    """Raise Invalid unless something was given: a change of nothing is a mistake."""
    if all(one is None or one is False for one in given):
        raise Invalid(
            "Nothing was given to change.",
            advice=f"`coppice {command} --help` lists what can be.",
        )


def confirm(consequence: str, *, name: str, is_confirmed: bool) -> None:
    """Let a person type the name of what is about to go; ends the command if it differs.

    `consequence` says what would happen, and to what: nothing has happened yet.
    """
    if is_confirmed:
        return
    if not sys.stdin.isatty():
        remark(f"Nothing was done. {consequence} Add --yes to do it without a question.")
        raise typer.Exit(1)
    if typer.prompt(f"{consequence} Type {name} to go on") != name:
        remark("Nothing was done.")
        raise typer.Exit(1)


def agree_to_run(commands: Sequence[str], *, is_agreed: bool) -> None:
    """Show commands that somebody else wrote before they run here; ends ours if nobody agrees."""
    if not commands or is_agreed:
        return
    remark("The service says to run this here, on your machine:")
    for command in commands:
        remark(f"    {visible(command)}")
    if not sys.stdin.isatty():
        remark("Add --yes to run it without a question, or give the commands yourself.")
        raise typer.Exit(1)
    if not typer.confirm("Run it?", err=True):
        remark("Nothing was run.")
        raise typer.Exit(1)


def visible(text: str) -> str:
    """A text on one line, with what could hide parts of it at a terminal written out."""
    return "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode("ascii") for one in text
    )


def harmless(text: str) -> str:
    """The same line by line: text of a service or of other people must not steer a terminal."""
    return "\n".join(visible(line) for line in text.split("\n"))


def _print(table: Table) -> None:
    if sys.stdout.isatty():
        Console().print(table)
        return
    # A pipe has no width: cutting what a program reads would be worse than a long line.
    console = Console(width=1000, soft_wrap=True)
    with console.capture() as printed:
        console.print(table)
    for line in printed.get().splitlines():
        say(line.rstrip(" "))


def _plain(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def _cell(value: object) -> Text:
    if value is None:
        return Text("-")
    if isinstance(value, bool):
        return Text("yes" if value else "no")
    if isinstance(value, list | tuple):
        return Text(harmless(", ".join(str(item) for item in value)) or "-")
    if isinstance(value, datetime):
        return Text(f"{value:%Y-%m-%d %H:%M} UTC")
    text = harmless(str(value))
    return Text(text, style=_STYLES.get(text, ""))


COMMANDS = (
    *(
        "--local",
        "--remote",
        "apps",
        "audit",
        "databases",
        "doctor",
        "env",
        "instances",
        "login",
        "login-link",
    ),
    *("logout", "migrate", "open", "psql", "reconcile", "runs", "serve", "tokens", "web"),
    *("whoami", "worker"),
)
"""What may follow the name, so that `coppice` alone stays what the whole is called."""

_COMMAND = re.compile(rf"\bcoppice(?= (?:{'|'.join(COMMANDS)})(?![\w-]))")


def as_called(text: str) -> str:
    """The text with its commands as the person at this terminal can type them.

    They are written as `coppice ...`. Who ran `python -m app` in a shell that does not find
    `coppice` is told of that again.
    """
    return _COMMAND.sub(lambda _: _name(), text)


@cache
def _name() -> str:
    is_module = os.path.basename(sys.argv[0]) == "__main__.py"
    if not is_module or shutil.which("coppice"):
        return "coppice"
    python = os.path.basename(sys.executable)
    is_found = shutil.which(python) == sys.executable
    return f"{python if is_found else shlex.quote(sys.executable)} -m app"

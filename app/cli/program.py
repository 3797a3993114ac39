"""The commands put together, and how their errors are shown."""

import errno
import sys
from functools import cache
from importlib import metadata
from typing import Annotated, Any, NoReturn

import typer
from rich.console import Console

from app.cli import (
    apps,
    asking,
    connect,
    databases,
    deletions,
    findings,
    health,
    instances,
    limits,
    login,
    migrate,
    processes,
    runs,
    tokens,
)
from app.cli.output import THINGS, as_called, harmless, say
from app.cli.packages import no_server
from app.cli.target import REMOTE, RULE
from app.core.advised_sql import laid_out
from app.core.errors import CoppiceError, GitHubUnavailable, TransientError

# What may be wrong with files however right the program is.
_OF_THE_MACHINE = (errno.EACCES, errno.EPERM, errno.EROFS, errno.ENOSPC, errno.EDQUOT)
_FILES_ADVICE = (
    "Run Coppice as the account that COPPICE_DATA_DIR belongs to, and see that its disk can be"
    " written to and has room."
)
_GITHUB = (
    "Repeat the command when GitHub answers. If it does elsewhere: check COPPICE_GITHUB_API_URL"
    " and this machine's way to it (HTTPS_PROXY, firewall)."
)

program = typer.Typer(
    name="coppice",
    no_args_is_help=True,
    # Bugs keep Python's own traceback: one that shows local variables would show passwords.
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _say_version(is_asked: bool) -> None:  # noqa: FBT001 - as typer calls it
    if is_asked:
        say(f"coppice {metadata.version('coppice')}")
        raise typer.Exit


@program.callback(help=f"A PostgreSQL database for every git branch, on your own server.\n\n{RULE}")
def options(
    *,
    remote: Annotated[
        bool | None,
        typer.Option(
            "--remote/--local", help="Use the service you logged in to, or this machine's."
        ),
    ] = None,
    _version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_say_version, help="Print the version and end."
        ),
    ] = False,
) -> None:
    """What goes before a command."""
    REMOTE.set(remote)


processes.add_to(program)
login.add_to(program)
health.add_to(program)
asking.add_to(program)
connect.add_to(program)
migrate.add_to(program)
deletions.add_to(instances.group)
limits.add_to(instances.group)
findings.add_to(instances.group)
program.add_typer(instances.group, name="instances", rich_help_panel=THINGS)
program.add_typer(apps.group, name="apps", rich_help_panel=THINGS)
program.add_typer(databases.group, name="databases", rich_help_panel=THINGS)
program.add_typer(runs.group, name="runs", rich_help_panel=THINGS)
program.add_typer(tokens.group, name="tokens", rich_help_panel=THINGS)


@cache
def command() -> Any:
    """The command with all of its subcommands, as typer reads them from the functions above."""
    return _plain_options(typer.main.get_command(program))


def main() -> None:
    """Run the command that was typed. Ends the process: 0, 1 for our own errors, 2 for usage."""
    try:
        command()(prog_name=program.info.name)
    except CoppiceError as error:
        _fail(str(error), _advice(error))
    except ModuleNotFoundError:
        missing = no_server()
        if missing is None:
            raise
        _fail(str(missing), missing.advice)
    except OSError as error:
        if error.errno not in _OF_THE_MACHINE or error.filename is None:
            raise
        _fail(f"{error.filename}: {error.strerror}.", _FILES_ADVICE)


def _plain_options(command: Any) -> Any:
    """Let commands list their options in two columns: rich's boxes leave them no room at 80."""
    for one in getattr(command, "commands", {}).values():
        _plain_options(one)
    if not hasattr(command, "commands"):
        command.rich_markup_mode = None
    return command


def _fail(words: str, advice: str) -> NoReturn:
    messages = Console(stderr=True, highlight=False, soft_wrap=True, emoji=False)
    messages.print(harmless(as_called(laid_out(words))), style="red", markup=False)
    messages.print(harmless(as_called(laid_out(advice))), markup=False)
    sys.exit(1)


def _advice(error: CoppiceError) -> str:
    """The error's own advice, unless that is written for the service and its jobs."""
    if error.advice == CoppiceError.advice:
        return "Repeat the command; if it fails again, `coppice doctor` looks at everything."
    if error.advice != TransientError.advice:
        return error.advice
    if not isinstance(error, GitHubUnavailable):
        return "Repeat the command in a moment: nothing tries it again by itself."
    if error.retry_after_seconds is not None:
        return f"Repeat the command in {error.retry_after_seconds:.0f} seconds, as GitHub asks."
    return _GITHUB

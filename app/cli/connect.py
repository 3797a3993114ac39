"""Commands that hand out a connection: env and psql. The only ones that know a password."""

import json
import shlex
import shutil
from collections.abc import Mapping
from enum import StrEnum
from typing import Annotated

import typer

from app import process_environment
from app.cli.databases import AppOption, BranchOption, EnvironmentOption
from app.cli.desk import Target
from app.cli.output import remark, say
from app.cli.sides import open_desk
from app.core import dotenv
from app.core.audit import Action
from app.core.errors import CoppiceError

Repo = Annotated[str, typer.Argument(metavar="OWNER/REPO", help="The repository.")]


def add_to(program: typer.Typer) -> None:
    program.command(rich_help_panel="Connecting")(env)
    # What is no option of ours is psql's: `psql acme/shop -c 'SELECT 1'`.
    # Without our -h, which would be found inside of theirs: `-fschema.sql` showed help, and did
    # nothing.
    theirs = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
    program.command(rich_help_panel="Connecting", context_settings=theirs)(psql)


class Format(StrEnum):
    """How variables are written."""

    DOTENV = "dotenv"
    JSON = "json"
    SHELL = "shell"


class NoPsql(CoppiceError):
    """psql is not installed."""

    code = "no_psql"
    advice = "Install PostgreSQL's client programs, or use `env` with another client."


def env(
    repo: Repo,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
    format: Annotated[
        Format,
        typer.Option(
            help="`dotenv` for an .env file, `shell` for eval, `json` for programs.",
        ),
    ] = Format.DOTENV,
) -> None:
    """Print a database's variables; without --branch or --environment a database for local work.

    That one (dev) is made when it is first asked for, and has a shadow database beside it:
    SHADOW_DATABASE_URL lets `prisma migrate dev` work without the right to create databases.
    """
    target = Target(name=repo, branch=branch, environment=environment, app_id=app_id)
    with open_desk() as desk:
        given = desk.login(target, purpose=Action.ENV)
    say(written(given.variables, format))


def psql(
    repo: Repo,
    arguments: Annotated[
        list[str] | None, typer.Argument(help="For psql, as in `-c 'SELECT 1'`.")
    ] = None,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
) -> None:
    """Open psql on a database; without --branch or --environment the one for local work."""
    program = shutil.which("psql")
    if program is None:
        raise NoPsql("psql was not found.")
    target = Target(name=repo, branch=branch, environment=environment, app_id=app_id)
    with open_desk() as desk:
        given = desk.login(target, purpose=Action.PSQL)
        remark(f"Connecting to {given.name}.")
        # In the environment: a command line is seen by every process of the machine. As a child
        # and not in our place, so that an embedded server is stopped afterwards.
        code = process_environment.run_with(
            {**given.variables, "DATABASE_URL": ""}, [program, *(arguments or [])]
        )
    raise typer.Exit(code)


def written(found: Mapping[str, str], format_: Format) -> str:
    """The variables as text; every value is quoted so that it is read back as it is."""
    match format_:
        case Format.JSON:
            return json.dumps(dict(found), indent=2)
        case Format.SHELL:
            return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in found.items())
        case Format.DOTENV:
            return dotenv.written(found)

"""Commands that hand out a connection: env and psql. The only ones that know a password."""

import json
import shlex
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Annotated, Any

import typer

from app import process_environment
from app.cli.client import Client
from app.cli.databases import AppOption, BranchOption, EnvironmentOption, which_of
from app.cli.output import remark, say
from app.cli.remarks import remark_on_new_dev
from app.cli.target import open_client
from app.cli.which import Which, database_of, find_app, no_database
from app.core import dotenv
from app.core.audit import AuditEvent
from app.core.environments import Environment
from app.core.errors import CoppiceError

Repo = Annotated[
    str | None,
    typer.Argument(metavar="OWNER/REPO", help="Default: the repository of the checkout."),
]


def add_to(program: typer.Typer) -> None:
    program.command(rich_help_panel="Connecting")(env)
    # What is no option of ours is psql's: `psql acme/shop -c 'SELECT 1'`.
    # Without our -h, which would be found inside of theirs: `-fschema.sql` showed help, and did
    # nothing.
    theirs = {"ignore_unknown_options": True, "help_option_names": ["--help"]}
    program.command(rich_help_panel="Connecting", context_settings=theirs)(psql)


# The only ones that become part of a process or of a script for `eval`: a service is not trusted
# to run what it likes on the machine of who logged in.
_VARIABLES = (
    "PGHOST",
    "PGPORT",
    "PGDATABASE",
    "PGUSER",
    "PGPASSWORD",
    "PGSSLMODE",
    "DATABASE_URL",
    "COPPICE_ENVIRONMENT",
    "COPPICE_DATABASE",
    "COPPICE_ROLE",
    "DATABASE_URL_POOLED",
    "PRISMA_ACCELERATE_URL",
    "SHADOW_DATABASE_URL",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Revealed:
    """A database with the variables of its long-lived login."""

    app: Mapping[str, Any]
    database: Mapping[str, Any]
    variables: dict[str, str] = field(repr=False)

    @property
    def name(self) -> str:
        return str(self.database["name"])


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
    repo: Repo = None,
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
    which = which_of(repo, branch, environment, app_id)
    with open_client() as client:
        given = revealed(client, which, purpose=AuditEvent.ENV)
    say(written(given.variables, format))


def psql(
    repo: Repo = None,
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
    words = arguments or []
    if repo is not None and repo.startswith("-"):  # psql's own: the repository was left out
        words, repo = [repo, *words], None
    which = which_of(repo, branch, environment, app_id)
    with open_client() as client:
        given = revealed(client, which, purpose=AuditEvent.PSQL)
        remark(f"Connecting to {given.name}.")
        # In the environment: a command line is seen by every process of the machine. As a child
        # and not in our place, so that an embedded server is stopped afterwards.
        code = process_environment.run_with(
            {**given.variables, "DATABASE_URL": ""}, [program, *words]
        )
    raise typer.Exit(code)


def revealed(client: Client, which: Which, *, purpose: AuditEvent) -> Revealed:
    """The login of a database; the one for local work is made when it is first asked for."""
    app = find_app(client, which.name, app_id=which.app_id)
    database = database_of(client, app, which)
    if database is None:
        if which.branch is not None or which.environment not in {None, Environment.DEV}:
            raise no_database(which)
        client.check_reachable(app["instance"])
        database = client.ready(client.post(f"/apps/{app['id']}/databases"))
        if purpose is not AuditEvent.MIGRATE:
            _remark_on_new(client, app, str(database["name"]), which)
    view = client.post(f"/databases/{database['id']}/credentials", purpose=purpose)
    if view.get("shadow_problem"):
        remark(f"There is no SHADOW_DATABASE_URL: {view['shadow_problem']}")
    given = view["variables"]
    variables = {name: str(given[name]) for name in _VARIABLES if name in given}
    if view["ca_certificate"] is not None:
        file = client.folder / f"ca-{database['instance']}.pem"
        file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        file.write_text(view["ca_certificate"])
        variables["PGSSLROOTCERT"] = str(file)
    return Revealed(app=app, database=database, variables=variables)


def _remark_on_new(client: Client, app: Mapping[str, Any], name: str, which: Which) -> None:
    remark_on_new_dev(
        name,
        which,
        has_command=bool(app["migration_command"]),
        last_command=str(client.get(f"/apps/{app['id']}").get("last_command") or ""),
    )


def written(found: Mapping[str, str], format_: Format) -> str:
    """The variables as text; every value is quoted so that it is read back as it is."""
    match format_:
        case Format.JSON:
            return json.dumps(dict(found), indent=2)
        case Format.SHELL:
            return "\n".join(f"export {name}={shlex.quote(value)}" for name, value in found.items())
        case Format.DOTENV:
            return dotenv.written(found)

"""Commands about apps: which repository has its databases where, and by what rules."""

import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from app.cli.output import AsJson, Yes, confirm, need_changes, remark, say, show_record, show_rows
from app.cli.remarks import remark_on_reach, remark_on_silence, show_workflow
from app.cli.rules import options
from app.cli.session import Session
from app.cli.sides import open_desk, open_here
from app.core.assignments import RULES, Policies
from app.core.databases import Database, DatabaseState, counted
from app.core.rules import changed
from app.operations.administration import assignments
from app.operations.administration.assigned import Assigned
from app.operations.administration.assignments import AssignRequest

group = typer.Typer(no_args_is_help=True, help="Apps: assign repositories to instances.")

_WAIT_SECONDS = 60.0
_POLL_SECONDS = 0.25

Repo = Annotated[str, typer.Argument(metavar="OWNER/REPO", help="The repository.")]
AppOption = Annotated[
    str | None,
    typer.Option("--app-id", metavar="ID", help="Which app, for a repository with several."),
]
NewAppOption = Annotated[
    str | None,
    typer.Option(
        "--app-id",
        metavar="ID",
        help="The app's id, 2 to 16 lower case letters and digits; a new one makes one more app of"
        " a repository that has some. Default: made at random.",
    ),
]
Command = Annotated[
    str | None,
    typer.Option(
        metavar="COMMAND",
        help="Run for each database, as in 'npx prisma migrate deploy', unless the workflow gives"
        " its own. Default: none, so the workflow must.",
    ),
]


@group.command()
@options(RULES)
def assign(  # noqa: PLR0913 - the options that people type
    repo: Repo,
    instance: Annotated[
        str, typer.Argument(metavar="INSTANCE", help="Its name, from `coppice instances list`.")
    ],
    *,
    migration_command: Command = None,
    app_id: NewAppOption = None,
    rules: Mapping[str, Any],
    wait: Annotated[
        bool | None,
        typer.Option(
            help="Whether to wait, a minute at most, until the databases are there. Default: on a"
            " terminal."
        ),
    ] = None,
) -> None:
    """Give a repository its databases on an instance.

    The GitHub App must be installed for the repository. Production, preview and a database for
    each branch with an open pull request are made by the worker, the others when they are pushed.
    Every rule below can be changed later with `coppice apps edit`.
    """
    request = AssignRequest(
        full_name=repo,
        instance=instance,
        migration_command=migration_command or "",
        app_id=app_id,
        policies=changed(Policies(), rules),
    )
    with open_here() as session:
        assigned = assignments.assign(session.services, request)
        say(f"{assigned.repository.full_name} is app {assigned.assignment.app.id} on {instance}.")
        remark_on_reach(assigned.instance)
        is_silent = remark_on_silence(session.services, assigned.instance)
        show_workflow(session.services, assigned)
        should_wait = sys.stdin.isatty() and sys.stdout.isatty() if wait is None else wait
        if is_silent:
            remark("Its databases are made when that machine is back.")
        elif should_wait:
            _wait(session, assigned)
        else:
            remark(f"The worker makes its databases; see: coppice databases list {repo}")


@group.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """Show the assigned apps."""
    with open_desk() as desk:
        rows = desk.apps()
    hint = "No apps yet. Assign one: coppice apps assign OWNER/REPO INSTANCE"
    show_rows(rows, as_json=as_json, empty=hint)


@group.command()
def show(repo: Repo, *, app_id: AppOption = None, as_json: AsJson = False) -> None:
    """Show one app: where its databases are, and the rules of its assignment."""
    with open_desk() as desk:
        record = desk.app(repo, app_id=app_id)
        if not as_json:
            theirs = [
                row
                for row in desk.databases(str(record["repository"]))
                if row["app"] == record["app"]
            ]
            record = {**record, "databases": counted(str(row["state"]) for row in theirs)}
    show_record(record, as_json=as_json)


@group.command()
@options(RULES)
def edit(
    repo: Repo,
    *,
    app_id: AppOption = None,
    migration_command: Command = None,
    rules: Mapping[str, Any],
) -> None:
    """Change an assignment; what is not given stays as it is.

    Defaults below are those of `coppice apps assign`. An empty text ('') empties a list, a command
    or the name of the environment.
    """
    need_changes("apps edit", migration_command, *rules)
    with open_here() as session:
        assigned = assignments.find(session.services, repo, app_id=app_id)
        assignments.edit(
            session.services,
            assigned.assignment,
            migration_command=migration_command,
            policies=changed(assigned.assignment.policies, rules),
        )
    say(f"The assignment of {assigned.repository.full_name} was changed.")


@group.command()
def remove(repo: Repo, *, app_id: AppOption = None, yes: Yes = False) -> None:
    """End an assignment; its databases stay on the instance.

    `coppice databases delete` removes them, before or after.
    """
    with open_here() as session:
        assigned = assignments.find(session.services, repo, app_id=app_id)
        app = assigned.assignment.app.id
        consequence = (
            f"This would end the assignment of app {app}: workflows of {repo} would get none of"
            " its databases any more. The databases would stay."
        )
        confirm(consequence, name=app, is_confirmed=yes)
        assignments.remove(session.services, assigned.assignment)
    say(f"App {app} is not assigned any more. Its databases are still on {assigned.instance.name}.")


def _wait(session: Session, assigned: Assigned) -> None:
    """Show the databases as they get ready, for a minute at most."""
    app_id, shown = assigned.assignment.app.id, set[str]()
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        databases = session.services.databases.all(app_id=app_id)
        for database in databases:
            if database.name not in shown and database.state is not DatabaseState.CREATING:
                shown.add(database.name)
                remark(_news(database))
        if databases and len(shown) == len(databases):
            return
        time.sleep(_POLL_SECONDS)
    remark(
        "Not all databases are there yet. They are made by the worker: is `coppice serve` running?"
    )


def _news(database: Database) -> str:
    if database.state is DatabaseState.ERROR:
        return f"{database.name} failed: {database.reason}"
    return f"{database.name} is {database.state.value}."

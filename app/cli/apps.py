"""Commands about apps: which repository has its databases where, and by what rules."""

import sys
import time
from collections.abc import Mapping
from typing import Annotated, Any

import typer

from app.cli.client import Client
from app.cli.output import AsJson, Yes, confirm, need_changes, remark, say, show_record, show_rows
from app.cli.remarks import remark_on_reach, remark_on_silence, show_workflow
from app.cli.rows import app_record, app_row, instance_of
from app.cli.rules import options
from app.cli.target import open_client
from app.cli.which import find_app
from app.core.assignments import RULES
from app.core.databases import DatabaseState, counted

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
    with open_client() as client:
        app = client.post(
            "/apps",
            repository=repo,
            instance=instance,
            app=app_id,
            migration_command=migration_command or "",
            policies=dict(rules),
        )
        say(f"{app['repository']} is app {app['id']} on {instance}.")
        view = client.get(f"/instances/{instance}")
        remark_on_reach(instance_of(view))
        is_silent = remark_on_silence(view)
        show_workflow(client.get(f"/apps/{app['id']}/workflow"))
        should_wait = sys.stdin.isatty() and sys.stdout.isatty() if wait is None else wait
        if is_silent:
            remark("Its databases are made when that machine is back.")
        elif should_wait:
            _wait(client, app)
        else:
            remark(f"The worker makes its databases; see: coppice databases list {repo}")


@group.command("list")
def list_(*, as_json: AsJson = False) -> None:
    """Show the assigned apps."""
    with open_client() as client:
        rows = [app_row(one) for one in client.get("/apps")["items"]]
    hint = "No apps yet. Assign one: coppice apps assign OWNER/REPO INSTANCE"
    show_rows(rows, as_json=as_json, empty=hint)


@group.command()
def show(repo: Repo, *, app_id: AppOption = None, as_json: AsJson = False) -> None:
    """Show one app: where its databases are, and the rules of its assignment."""
    with open_client() as client:
        app = find_app(client, repo, app_id=app_id)
        record = app_record(app)
        if not as_json:
            theirs = client.items("/databases", app=app["id"])
            record = {**record, "databases": counted(str(one["state"]) for one in theirs)}
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
    with open_client() as client:
        app = find_app(client, repo, app_id=app_id)
        client.patch(
            f"/apps/{app['id']}", migration_command=migration_command, policies=dict(rules)
        )
    say(f"The assignment of {app['repository']} was changed.")


@group.command()
def remove(repo: Repo, *, app_id: AppOption = None, yes: Yes = False) -> None:
    """End an assignment; its databases stay on the instance.

    `coppice databases delete` removes them, before or after.
    """
    with open_client() as client:
        found = find_app(client, repo, app_id=app_id)
        app = found["id"]
        consequence = (
            f"This would end the assignment of app {app}: workflows of {repo} would get none of"
            " its databases any more. The databases would stay."
        )
        confirm(consequence, name=app, is_confirmed=yes)
        client.delete(f"/apps/{app}")
    say(f"App {app} is not assigned any more. Its databases are still on {found['instance']}.")


def _wait(client: Client, app: Mapping[str, Any]) -> None:
    """Show the databases as they get ready, for a minute at most."""
    announced = set[str]()
    deadline = time.monotonic() + _WAIT_SECONDS
    while time.monotonic() < deadline:
        databases = list(client.items("/databases", app=app["id"]))
        for database in databases:
            if database["name"] not in announced and database["state"] != DatabaseState.CREATING:
                announced.add(database["name"])
                remark(_news(database))
        if databases and len(announced) == len(databases):
            return
        time.sleep(_POLL_SECONDS)
    remark(
        "Not all databases are there yet. They are made by the worker: is `coppice serve` running?"
    )


def _news(database: Mapping[str, Any]) -> str:
    if database["state"] == DatabaseState.ERROR:
        return f"{database['name']} failed: {database['reason']}"
    return f"{database['name']} is {database['state']}."

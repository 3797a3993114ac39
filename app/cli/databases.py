"""Commands about single databases."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import typer

from app.cli import which
from app.cli.client import Client
from app.cli.output import (
    AsJson,
    Row,
    Yes,
    as_called,
    confirm,
    remark,
    say,
    show_record,
    show_rows,
    tell,
)
from app.cli.rows import database_record, database_row
from app.cli.secrets import read_secret
from app.cli.target import open_client
from app.cli.which import Which, find_app, find_database
from app.core.databases import began_as
from app.core.environments import MIGRATED_BY, Environment
from app.core.errors import CoppiceError, NotFound, ServerUnreachable
from app.core.hosts import OnAnotherHost

group = typer.Typer(no_args_is_help=True, help="Databases: look at them, mend, reset, delete.")

_REASONS_SAID = 3
"""For how many databases in error the list says where the reason stands."""

TargetName = Annotated[
    str,
    typer.Argument(
        metavar="OWNER/REPO|NAME",
        help="The repository (then also --branch or --environment), or a database's name.",
    ),
]
BranchOption = Annotated[
    str | None,
    typer.Option(
        "--branch",
        metavar="BRANCH",
        help="Of this branch, as git spells it; `.` is the one that is checked out here.",
    ),
]
EnvironmentOption = Annotated[
    Environment | None, typer.Option("--environment", help="The database of this environment.")
]
AppOption = Annotated[
    str | None,
    typer.Option("--app-id", metavar="ID", help="Which app, for a repository with several."),
]


@group.command("list")
def list_(
    repo: Annotated[
        str | None, typer.Argument(metavar="OWNER/REPO", help="Those of this one only.")
    ] = None,
    *,
    deleted: Annotated[
        bool, typer.Option(help="Whether deleted ones, whose data is kept, are listed too.")
    ] = True,
    as_json: AsJson = False,
) -> None:
    """Show databases, all or those of a repository."""
    with open_client() as client:
        rows = [row for row in rows_of(client, repo) if deleted or row["state"] != "deleted"]
    hint = (
        f"{repo} has no databases."
        if repo
        else "No databases yet. They come with: coppice apps assign OWNER/REPO INSTANCE"
    )
    view = rows if as_json else [_for_people(row) for row in rows]
    # The name of each begins with its app.
    show_rows(view, as_json=as_json, empty=hint, only_json=("app", "repository", "size_bytes"))
    if not as_json:
        _say_where_reasons_are([str(row["name"]) for row in rows if row["state"] == "error"])


@group.command()
def show(
    target: TargetName,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
    as_json: AsJson = False,
) -> None:
    """Show one database."""
    with open_client() as client:
        record = database_record(
            find_database(client, which_of(target, branch, environment, app_id))
        )
    show_record(record if as_json else _for_people(record), as_json=as_json)


@group.command()
def create(
    repo: Annotated[str, typer.Argument(metavar="OWNER/REPO", help="The repository.")],
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
) -> None:
    """Make a database now; without --branch or --environment one for local work (dev)."""
    with open_client() as client:
        app = find_app(client, repo, app_id=app_id)
        client.check_reachable(app["instance"])
        asked = client.post(f"/apps/{app['id']}/databases", environment=environment, branch=branch)
        made = client.ready(asked, after=("creating", "deleted"))
    # By number: a fresh one may have taken its place meanwhile.
    is_restored = asked["state"] == "deleted" and made["id"] == asked["id"]
    say(
        f"{made['name']} is ready"
        + (" again: it is restored with its data." if is_restored else ".")
    )


@group.command()
def fix(
    target: TargetName,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
    yes: Yes = False,
) -> None:
    """Set a database up once more: roles, grants, password. Its data stays.

    One that is gone from its server is made anew, without its data, after a question.
    """
    with open_client() as client:
        database = find_database(client, which_of(target, branch, environment, app_id))
        is_lost = database["reason_code"] == "database_missing"
        if is_lost:
            consequence = (
                f"{database['name']} is no longer on its server; look there first whether it was"
                " renamed. This would make a new one in its place, WITHOUT ITS DATA."
            )
            confirm(consequence, name=database["name"], is_confirmed=yes)
        fixed = client.ready(_asked(client, database, "fix"))
    anew = f", and {began_as(fixed['cloned_from'])}" if is_lost else ""
    say(f"{database['name']} is ready{anew}.")


@group.command()
def reset(
    target: TargetName,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
    yes: Yes = False,
) -> None:
    """Replace a database by an empty one, or a clone of its app's template. Its data is gone."""
    with open_client() as client:
        database = find_database(client, which_of(target, branch, environment, app_id))
        consequence = f"This would replace {database['name']}: ALL ITS DATA would be gone for good."
        confirm(consequence, name=database["name"], is_confirmed=yes)
        made = client.ready(_asked(client, database, "reset"))
    by = f"Run `{_by_hand(database)}`" if _is_dev(database) else "Re-run its workflow"
    tell(f"{database['name']} is {began_as(made['cloned_from'])}. {by} to migrate it.")


@group.command()
def seed(
    target: TargetName,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
) -> None:
    """Have a database seeded once more by the next run (dev: by `migrate`), whatever it holds."""
    with open_client() as client:
        database = find_database(client, which_of(target, branch, environment, app_id))
        client.post(f"/databases/{database['id']}/seed")
    by = f"`{_by_hand(database)}`" if _is_dev(database) else "the next run that has a seed command"
    tell(f"{database['name']} is seeded by {by}.")


@group.command()
def restore(
    target: TargetName,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
) -> None:
    """Open a deleted database again, data and all."""
    with open_client() as client:
        database = find_database(client, which_of(target, branch, environment, app_id))
        asked = _asked(client, database, "restore")
        client.ready(asked, after=("deleted", "creating"))
    say(f"{database['name']} is ready again.")


@group.command()
def edit(
    target: TargetName,
    *,
    accelerate_url: Annotated[
        str,
        typer.Option(
            metavar="URL", help="Its Prisma Accelerate URL; `-` reads it from stdin, '' forgets it."
        ),
    ],
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
) -> None:
    """Store the Prisma Accelerate URL of a database; an empty one forgets it."""
    with open_client() as client:
        database = find_database(client, which_of(target, branch, environment, app_id))
        url = read_secret(accelerate_url) or None
        client.patch(f"/databases/{database['id']}", accelerate_url=url or "")
    say(f"{database['name']}: PRISMA_ACCELERATE_URL {'stored' if url else 'forgotten'}.")


@group.command()
def delete(  # noqa: PLR0913 - the options that people type
    target: TargetName,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
    now: Annotated[
        bool, typer.Option("--now", help="Drop it with its data at once, for good.")
    ] = False,
    yes: Yes = False,
) -> None:
    """Close a database; its data is kept for the retention time, production's until --now."""
    with open_client() as client:
        database = find_database(client, which_of(target, branch, environment, app_id))
        consequence = (
            f"This would remove {database['name']} and ALL ITS DATA for good."
            if now
            else f"This would close {database['name']}: nobody could connect until"
            " `coppice databases restore`, and its data would be kept for a time."
        )
        confirm(consequence, name=database["name"], is_confirmed=yes)
        if now:
            _drop(client, database)
            say(f"{database['name']} is gone.")
            return
        kept = _close(client, database)["kept_until"]
    until = f"until {kept:%Y-%m-%d %H:%M} UTC" if kept else "for ever"
    say(f"{database['name']} is deleted; its data is kept {until}.")


def _for_people(row: Row) -> Row:
    """What no run migrates has no last migration that a run could have told of."""
    by = MIGRATED_BY.get(Environment(str(row["environment"])))
    return {**row, "last_migration": as_called(by)} if by and row["last_migration"] is None else row


def _say_where_reasons_are(failed: Sequence[str]) -> None:
    for name in failed[:_REASONS_SAID]:
        remark(f"Why it is in error: coppice databases show {name}")
    if len(failed) > _REASONS_SAID:
        remark(f"And {len(failed) - _REASONS_SAID} more.")


def _asked(client: Client, database: Mapping[str, Any], verb: str) -> dict[str, Any]:
    client.check_reachable(database["instance"])
    return client.post(f"/databases/{database['id']}/{verb}")


def _close(client: Client, database: Mapping[str, Any]) -> Row:
    """Delete it; says when its server has not heard of that yet. Returns what is shown of it."""
    closed = client.delete(f"/databases/{database['id']}")
    try:
        client.work(closed)
    except (ServerUnreachable, OnAnotherHost):
        remark(
            f"Its server does not answer: {database['name']} is closed, and all sessions there are"
            " ended, as soon as it does."
        )
    return database_row(closed)


def _drop(client: Client, database: Mapping[str, Any]) -> None:
    client.check_reachable(database["instance"])
    dropped = client.delete(f"/databases/{database['id']}", now="true")
    try:
        client.ready(dropped, after=("deleted",))
    except CoppiceError as error:
        if error.code != NotFound.code:
            raise


def rows_of(client: Client, repository: str | None) -> list[Row]:
    """The databases that are shown, all or those of a repository or app.

    Raises NotFound for a name that nobody knows.
    """
    if repository is None:
        return [database_row(one) for one in client.items("/databases")]
    if "/" not in repository:
        app = find_app(client, repository)
        return [database_row(one) for one in client.items("/databases", app=app["id"])]
    found = [database_row(one) for one in client.items("/databases", repository=repository)]
    if not found:
        find_app(client, repository)
    return found


def _is_dev(database: Mapping[str, Any]) -> bool:
    return bool(database["environment"] == Environment.DEV)


def _by_hand(database: Mapping[str, Any]) -> str:
    # An app's id stands for its repository, also where that has several apps.
    return f"coppice migrate {database['app']}"


def which_of(
    name: str | None, branch: str | None, environment: Environment | None, app_id: str | None
) -> Which:
    """What was typed; the checkout says what was left out, and which branch `.` is."""
    return Which(
        name=which.repository(name),
        branch=which.branch(branch),
        environment=environment,
        app_id=app_id,
    )

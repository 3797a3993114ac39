"""Commands about single databases."""

from typing import Annotated

import typer

from app.cli.output import AsJson, Row, Yes, confirm, say, show_record, show_rows
from app.cli.secrets import read_secret
from app.cli.session import Session, open_session
from app.core.databases import Database
from app.core.environments import Environment
from app.core.errors import Invalid, NotFound
from app.operations.administration import assignments, databases

group = typer.Typer(no_args_is_help=True, help="Databases: look at them, mend, empty, delete.")

Target = Annotated[
    str, typer.Argument(metavar="OWNER/REPO", help="The repository, or a database's name.")
]
BranchOption = Annotated[str | None, typer.Option("--branch", help="The branch's database.")]
EnvironmentOption = Annotated[
    Environment | None, typer.Option("--environment", help="The environment's database.")
]
AppOption = Annotated[
    str | None, typer.Option("--app-id", help="App id, for a repository with several apps.")
]


@group.command("list")
def list_(
    repo: Annotated[str | None, typer.Argument(metavar="[OWNER/REPO]")] = None,
    *,
    deleted: Annotated[bool, typer.Option(help="Also those that were deleted.")] = True,
    as_json: AsJson = False,
) -> None:
    """Show databases, all or those of a repository."""
    with open_session() as session:
        services = session.services
        found = services.databases.all()
        if repo is not None:
            repository = services.repositories.named(repo)
            apps = services.apps.of_repository(repository.id) if repository else []
            found = [one for one in found if one.app_id in {app.id for app in apps}]
        rows = [_summary(session, one) for one in found if deleted or one.state != "deleted"]
    hint = "No databases yet. They come with: python -m app apps assign OWNER/REPO INSTANCE"
    show_rows(rows, as_json=as_json, empty=hint)


@group.command()
def show(
    target: Target,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
    as_json: AsJson = False,
) -> None:
    """Show one database."""
    with open_session() as session:
        database = find(session, target, branch, environment, app_id)
        remembered = session.services.seeds.of(database)
        record = {
            **_summary(session, database),
            "login": database.login_role,
            "reason": database.reason,
            "generation": database.generation,
            "migrated_commit": database.migrated_sha,
            "migrated_at": database.migrated_at,
            "created_at": database.created_at,
            "ready_at": database.ready_at,
            "seeded_at": remembered.seeded_at if remembered else None,
            "seed_is_owed": remembered is not None and remembered.is_owed,
            "kept_until": database.drop_after,
        }
    show_record(record, as_json=as_json)


@group.command()
def create(
    repo: Annotated[str, typer.Argument(metavar="OWNER/REPO")],
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
) -> None:
    """Make a database now; without --branch or --environment one for local work (dev)."""
    with open_session() as session:
        assigned = assignments.find(session.services, repo, app_id=app_id)
        where = databases.place(assigned, branch=branch, environment=environment)
        database = databases.create(session.services, assigned, where)
    say(f"{database.name} is ready.")


@group.command()
def fix(
    target: Target,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
) -> None:
    """Set a database up once more: roles, grants, password. Its data stays."""
    with open_session() as session:
        database = find(session, target, branch, environment, app_id)
        databases.fix(session.services, database)
    say(f"{database.name} is ready.")


@group.command()
def reset(
    target: Target,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
    yes: Yes = False,
) -> None:
    """Replace a database by an empty one. Its data is gone for good."""
    with open_session() as session:
        database = find(session, target, branch, environment, app_id)
        confirm("This removes ALL DATA in it for good.", name=database.name, is_confirmed=yes)
        databases.reset(session.services, database)
    say(f"{database.name} is empty. Re-run its workflow to migrate it.")


@group.command()
def seed(
    target: Target,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
) -> None:
    """Have the next run of the workflow seed a database once more, whatever it holds."""
    with open_session() as session:
        database = find(session, target, branch, environment, app_id)
        databases.seed(session.services, database)
    say(f"{database.name} is seeded by the next run that has a seed command.")


@group.command()
def restore(
    target: Target,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
) -> None:
    """Open a deleted database again, data and all."""
    with open_session() as session:
        database = find(session, target, branch, environment, app_id)
        databases.restore(session.services, database)
    say(f"{database.name} is ready again.")


@group.command()
def edit(
    target: Target,
    *,
    accelerate_url: Annotated[
        str, typer.Option(help="Prisma Accelerate URL of this database, or - to read it.")
    ],
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
) -> None:
    """Store what else belongs to a database; an empty --accelerate-url forgets it."""
    with open_session() as session:
        database = find(session, target, branch, environment, app_id)
        url = read_secret(accelerate_url) or None
        databases.set_accelerate_url(session.services, database, url)
    say(f"{database.name}: PRISMA_ACCELERATE_URL {'stored' if url else 'forgotten'}.")


@group.command()
def delete(  # noqa: PLR0913 - the options that people type
    target: Target,
    *,
    branch: BranchOption = None,
    environment: EnvironmentOption = None,
    app_id: AppOption = None,
    now: Annotated[bool, typer.Option("--now", help="Drop it and its data at once.")] = False,
    yes: Yes = False,
) -> None:
    """Close a database; its data is kept for the retention time, production's until --now."""
    with open_session() as session:
        database = find(session, target, branch, environment, app_id)
        question = (
            "This removes the database and ALL ITS DATA for good."
            if now
            else "Nobody can connect any more; `databases restore` undoes it."
        )
        confirm(question, name=database.name, is_confirmed=yes)
        if now:
            databases.drop(session.services, database)
            say(f"{database.name} is gone.")
            return
        database = databases.delete(session.services, database)
    until = f"until {database.drop_after:%Y-%m-%d %H:%M} UTC" if database.drop_after else "for ever"
    say(f"{database.name} is deleted; its data is kept {until}.")


def find(
    session: Session,
    target: str,
    branch: str | None,
    environment: Environment | None,
    app_id: str | None,
) -> Database:
    """The database that is meant, by its own name or by its place in a repository."""
    if "/" not in target:
        for database in session.services.databases.all():
            if database.name == target:
                return database
        raise NotFound(f"There is no database named {target}.")
    if branch is None and environment is None:
        raise Invalid("Say which database.", advice="Add --branch NAME or --environment NAME.")
    assigned = assignments.find(session.services, target, app_id=app_id)
    where = databases.place(assigned, branch=branch, environment=environment)
    return databases.find(session.services, assigned, where)


def _summary(session: Session, database: Database) -> Row:
    return {
        "name": database.name,
        "environment": database.environment.value,
        "branch": database.branch,
        "state": database.state.value,
        "instance": session.services.instances.get(database.instance_id).name,
        "migrated": database.migrated_sha[:12] if database.migrated_sha else None,
        "kept_until": database.drop_after,
    }

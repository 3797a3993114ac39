"""What our check runs say. Pure: names, titles, words for people, never a secret."""

from app.core.amounts import duration
from app.core.assignments import App
from app.core.checks import CheckAction, CheckContent, Conclusion
from app.core.databases import Database
from app.core.environments import Environment
from app.core.limits import FROZEN_ADVICE
from app.core.markdown import block, code

FIX = CheckAction(label="Fix", description="Try to make the database again", identifier="fix")


def database_check_name(app: App) -> str:
    """`database`, for a later app of the repository with its id."""
    return "database" if app.has_bare_checks else f"database ({app.id})"


def migration_check_name(app: App, environment: Environment) -> str:
    """`migrate (branch)`, for a later app of the repository with its id."""
    suffix = "" if app.has_bare_checks else f", {app.id}"
    return f"migrate ({environment}{suffix})"


def database_ready(
    app: App,
    database: Database,
    *,
    seconds: float | None = None,
    parent: Database | None = None,
    remark: str | None = None,
) -> CheckContent:
    """The database exists; `seconds` is how long making it took, None when it was there."""
    if seconds is None:
        state = f"{database_words(database)} is ready."
    else:
        state = f"{database_words(database)} was made in {duration(seconds)}."
    if parent is not None:
        state += f" It began as a clone of {code(parent.name)}: migrated, and with its data."
    if remark is not None:
        state += f"\n\n{remark}"
    return CheckContent(
        name=database_check_name(app),
        conclusion=Conclusion.SUCCESS,
        title=f"{database.name} is ready",
        summary=state,
    )


def database_failed(app: App, database: Database) -> CheckContent:
    """The database could not be made; the reason is the one that its row holds."""
    reason = database.reason or "The service's log has the cause."
    if database.is_frozen:
        return CheckContent(
            name=database_check_name(app),
            conclusion=Conclusion.FAILURE,
            title=f"{database.name} is frozen",
            summary=f"{database_words(database)} is frozen.\n\n{block(reason)}\n\n{FROZEN_ADVICE}",
            actions=(FIX,),
        )
    return CheckContent(
        name=database_check_name(app),
        conclusion=Conclusion.FAILURE,
        title=f"{database.name} could not be made",
        summary=f"{database_words(database)} could not be made.\n\n{block(reason)}\n\n"
        "**Fix** tries again; it needs write permission. Every run of the Action tries again too.",
        actions=(FIX,),
    )


def database_skipped(app: App, *, why: str) -> CheckContent:
    """The commit's branch gets no database, so that a required check does not wait for one."""
    return CheckContent(
        name=database_check_name(app),
        conclusion=Conclusion.SKIPPED,
        title="No database",
        summary=f"This commit gets no database. {why}",
    )


def migration_skipped(app: App, environment: Environment, *, why: str) -> CheckContent:
    """Nobody will report on this migration, so that a required check does not wait for it."""
    return CheckContent(
        name=migration_check_name(app, environment),
        conclusion=Conclusion.SKIPPED,
        title="No migration",
        summary=f"This commit was not migrated on {environment}. {why}",
    )


def database_words(database: Database) -> str:
    where = "" if database.branch is None else f" of branch {code(database.branch)}"
    return f"Database {code(database.name)}{where}"

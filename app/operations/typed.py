"""Commands of `coppice` about an app's databases, to be typed as they are written here."""

import shlex

from app.core.identifiers import AppId


def env(repository: str, *, app_id: AppId | str | None, branch: str = "") -> str:
    """Prints a database's variables; `app_id` where the repository has several apps."""
    where = f" --branch {shlex.quote(branch)}" if branch else ""
    return f"coppice env {repository}{_of_app(app_id)}{where}"


def migrate(repository: str, *, app_id: AppId | str | None, has_command: bool) -> str:
    """Migrates the database for local work; without a known command the person gives one."""
    given = "" if has_command else " --migration-command '...'"
    return f"coppice migrate {repository}{_of_app(app_id)}{given}"


def _of_app(app_id: AppId | str | None) -> str:
    return f" --app-id {app_id}" if app_id else ""

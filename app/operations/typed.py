"""Commands of `coppice` about an app's databases, to be typed as they are written here."""

import shlex

from app.core.identifiers import AppId


def env(repository: str, *, app_id: AppId | str | None, branch: str = "") -> str:
    """Prints a database's variables; `app_id` where the repository has several apps."""
    where = f" --branch {shlex.quote(branch)}" if branch else ""
    return f"coppice env {repository}{_of_app(app_id)}{where}"


COMMAND = "COMMAND"
"""Stands for a command that only the person knows; no program has this name."""


def migrate(
    repository: str, *, app_id: AppId | str | None, has_command: bool, last_command: str = ""
) -> str:
    """Migrates the database for local work.

    Args:
        repository: `OWNER/REPO`.
        app_id: Where the repository has several apps.
        has_command: Whether the assignment has one, which is then taken.
        last_command: What a run migrated with last; empty: not known, and `COMMAND` stands for it,
            as for one that would not read as it is (of several lines, say).
    """
    words = f"coppice migrate {repository}{_of_app(app_id)}"
    if has_command:
        return words
    return f"{words} --migration-command {_given(last_command)}"


def _given(command: str) -> str:
    return shlex.quote(command.strip()) if is_typable(command) else COMMAND


def is_typable(command: str) -> bool:
    """Whether it can be typed on a line as it reads."""
    return bool(command.strip()) and command.strip().isprintable()


def _of_app(app_id: AppId | str | None) -> str:
    return f" --app-id {app_id}" if app_id else ""

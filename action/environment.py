"""What a command may see of the job's environment, and what is put in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from action import user_command
from pgwire.trust import system_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from action.credentials import Credentials
    from action.user_command import Inherited, Names

# With these, code inside a migration could speak to GitHub as the job: ask for an identity token,
# and with it for another database; poison a cache; write to the repository.
# Values of INPUT_ and COPPICE_INPUT_ are the Action's, not the command's.
_REMOVED_PREFIXES = ("ACTIONS_", "INPUT_", "COPPICE_")
# PGHOSTADDR, PGSERVICE, PGOPTIONS, PGPASSFILE... of the runner would redirect libpq: to another
# server, login or schema than the one that was verified.
_REMOVED_LIBPQ_PREFIX = "PG"
_REMOVED_NAMES = ("DATABASE_URL", "DATABASE_URL_POOLED", "PRISMA_ACCELERATE_URL")
# Empty instead of absent: yarn refuses every command when its settings name a variable that is not
# there, as `npmAuthToken: "${GITHUB_TOKEN}"` in .yarnrc.yml does.
_EMPTIED_NAME = "GITHUB_TOKEN"
# Files through which a step changes later steps (PATH, LD_PRELOAD, outputs): scratch ones instead.
_COMMAND_FILES = (
    "GITHUB_ENV",
    "GITHUB_PATH",
    "GITHUB_OUTPUT",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
)


def inherited(environ: Mapping[str, str], names: Names) -> Inherited:
    """Sort the job's variables into those that a command keeps and those that it does not."""
    return user_command.inherited(environ, names, is_removed=_is_removed)


def for_command(
    inherited: Inherited, variables: Mapping[str, str], *, scratch: Path
) -> dict[str, str]:
    """Build a command's environment; makes its command files in `scratch`.

    Defence in depth: code of the same user can still read this process. What holds is that the
    job's own token gets no other database.
    """
    urls = {name: variables["DATABASE_URL"] for name in inherited.set}
    files = {name: scratch / name.lower() for name in _COMMAND_FILES}
    for file in files.values():
        file.touch(mode=0o600)
    scratch_files = {name: str(file) for name, file in files.items()}
    emptied = {_EMPTIED_NAME: ""} if _EMPTIED_NAME in inherited.kept else {}
    return {**inherited.kept, **emptied, **urls, **scratch_files, **variables}


def variables(credentials: Credentials, names: Names, *, folder: Path) -> dict[str, str]:
    """List the variables of a database; writes its CA certificate into `folder`.

    The user's own names for its URL are among them.

    `verify-*` without a CA means the public authorities; libpq would look for a file in the home
    folder instead and refuse to connect.
    """
    url = credentials.variables["DATABASE_URL"]
    values = {**dict.fromkeys(names.database, url), **credentials.variables}
    if credentials.ca_certificate:
        file = folder / f"{values['COPPICE_ENVIRONMENT']}-ca.pem"
        file.touch(mode=0o600)
        file.write_text(credentials.ca_certificate, encoding="ascii")
        values["PGSSLROOTCERT"] = str(file)
    elif values["PGSSLMODE"].startswith("verify-"):
        values["PGSSLROOTCERT"] = system_bundle()
    return values


def _is_removed(name: str) -> bool:
    return name in _REMOVED_NAMES or name.startswith((*_REMOVED_PREFIXES, _REMOVED_LIBPQ_PREFIX))

"""What a command may see of the job's environment, and what is put in its place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pgwire.trust import system_bundle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from action.credentials import Credentials

# With these, code inside a migration could speak to GitHub as the job: ask for an identity token,
# and with it for another database; poison a cache; write to the repository.
# Values of INPUT_ and COPPICE_INPUT_ are the Action's, not the command's.
_REMOVED_PREFIXES = ("ACTIONS_", "INPUT_", "COPPICE_")
# PGHOSTADDR, PGSERVICE, PGOPTIONS, PGPASSFILE... of the runner would redirect libpq: to another
# server, login or schema than the one that was verified.
_REMOVED_LIBPQ_PREFIX = "PG"
_REMOVED_NAMES = ("GITHUB_TOKEN", "DATABASE_URL", "DATABASE_URL_POOLED", "PRISMA_ACCELERATE_URL")
# Files through which a step changes later steps (PATH, LD_PRELOAD, outputs): scratch ones instead.
_COMMAND_FILES = (
    "GITHUB_ENV",
    "GITHUB_PATH",
    "GITHUB_OUTPUT",
    "GITHUB_STATE",
    "GITHUB_STEP_SUMMARY",
)


def for_command(
    inherited: Mapping[str, str], variables: Mapping[str, str], *, scratch: Path
) -> dict[str, str]:
    """Build a command's environment; makes its command files in `scratch`.

    Defence in depth: code of the same user can still read this process. What holds is that the
    job's own token gets no other database.
    """
    kept = {name: value for name, value in inherited.items() if not _is_removed(name)}
    files = {name: scratch / name.lower() for name in _COMMAND_FILES}
    for file in files.values():
        file.touch(mode=0o600)
    return {**kept, **{name: str(file) for name, file in files.items()}, **variables}


def variables(credentials: Credentials, *, folder: Path) -> dict[str, str]:
    """List the variables of a database; writes its CA certificate into `folder`.

    `verify-*` without a CA means the public authorities; libpq would look for a file in the home
    folder instead and refuse to connect.
    """
    values = dict(credentials.variables)
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

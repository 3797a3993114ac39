"""How a user's command runs, on runners and on people's own machines: by which bash, with what.

This file stands twice, word for word, as `action/user_command.py` and `app/core/user_command.py`:
the Action is copied to runners without the service. A test holds the two together. Pure.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

# What `shell: bash` means for a step of a workflow, which runs its command as a script too.
# https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-syntax#jobsjob_idstepsshell
BASH_OPTIONS = ("--noprofile", "--norc", "-eo", "pipefail")

# Names under which tools look for the database that they are to migrate, mostly for the address
# beside a pooler: Prisma (`directUrl`), Vercel's, Neon's and Supabase's integrations.
DATABASE_NAMES = (
    "DIRECT_URL",
    "DIRECT_DATABASE_URL",
    "DATABASE_URL_UNPOOLED",
    "POSTGRES_URL",
    "POSTGRES_PRISMA_URL",
    "POSTGRES_URL_NON_POOLING",
    "MIGRATE_DATABASE_URL",
)

# Drivers write their names behind a plus sign (`postgresql+asyncpg://`), frameworks have words of
# their own for the scheme. `postgres:16` is an image of a container and no URL.
_POSTGRESQL_URL = re.compile(
    r"""[\s\ufeff]*["']?\s*(?:
        (?:jdbc|r2dbc):(?:[a-z0-9-]+:)*(?:postgres(?:ql)?|pgsql): | db:(?:pg|postgres(?:ql)?):
        | (?:prisma\+postgres(?:ql)?|prisma|postgres(?:ql)?|postgis|pgsql|psql|ecto|cockroachdb
            |timescaledb|timescale|redshift)(?:\+[a-z0-9_.-]+)?://
        | postgres(?:ql)?:/?[^/\s]*@(?!sha256:)
    )""",
    re.IGNORECASE | re.VERBOSE,
)
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# What Coppice sets itself, or takes away for good; and what the runner and the shell live by.
_RESERVED_NAMES = (
    *("DATABASE_URL", "DATABASE_URL_POOLED", "PRISMA_ACCELERATE_URL"),
    *("PATH", "HOME", "SHELL", "PWD", "OLDPWD", "CI", "TMPDIR", "NODE_OPTIONS"),
    *("BASH", "BASHOPTS", "SHELLOPTS", "ENV", "IFS", "PS4", "_", "UID", "EUID", "PPID", "RANDOM"),
)
_RESERVED_PREFIXES = (
    *("PG", "COPPICE_", "GITHUB_", "RUNNER_", "ACTIONS_", "INPUT_"),
    *("LD_", "DYLD_", "BASH_", "LC_", "PYTHON"),
)


@dataclass(frozen=True)
class Names:
    """What the user says about variables that hold databases' URLs."""

    database: tuple[str, ...] = ()
    """These hold the database's URL too, whether they are inherited or not."""
    keep: tuple[str, ...] = ()
    """These stay as they are inherited, though they hold another database's URL."""


@dataclass(frozen=True)
class Inherited:
    """What becomes of the variables that a command would inherit."""

    kept: Mapping[str, str] = field(repr=False)
    set: tuple[str, ...]
    """Names that get this database's URL."""
    taken: tuple[str, ...]
    """Names that held other databases' URLs and are taken away."""


def script(command: str) -> str:
    """What stands in the file that bash runs; forms of web pages end lines with CR and LF."""
    return command.replace("\r\n", "\n") + "\n"


def is_postgresql_url(value: str) -> bool:
    """Whether a variable's value leads to a PostgreSQL database."""
    return _POSTGRESQL_URL.match(value) is not None


def inherited(
    variables: Mapping[str, str], names: Names, *, is_removed: Callable[[str], bool]
) -> Inherited:
    """Sort what a command would inherit, so that a tool finds this database or none.

    A name that tools take for this database is set rather than taken away: without it tools stop,
    or fill it from an `.env` file, which replaces nothing that is set. So an empty one is set too.

    Args:
        variables: All that would be inherited.
        names: The user's own.
        is_removed: What is never inherited, and set by Coppice where it is needed.
    """
    candidates = {name: value for name, value in variables.items() if name not in names.keep}
    known = {name for name in DATABASE_NAMES if name in candidates}
    to_set = known.union(names.database)
    urls = {name for name, value in candidates.items() if is_postgresql_url(value)}
    gone = urls.union(filter(is_removed, variables))
    return Inherited(
        kept={
            name: value
            for name, value in variables.items()
            if name not in gone and name not in to_set
        },
        set=tuple(sorted(to_set)),
        taken=tuple(sorted(name for name in urls - to_set if not _is_ours(name))),
    )


def _is_ours(name: str) -> bool:
    """Whether nobody expects a command to inherit it: that it does not is no news."""
    return name == "DATABASE_URL" or name.startswith("COPPICE_")


def names_in(text: str) -> tuple[str, ...]:
    """Read a comma-separated list of names."""
    return tuple(dict.fromkeys(name.strip() for name in text.split(",") if name.strip()))


def complaint(names: Iterable[str]) -> str:
    """Say what is wrong with names that a user gives; empty when nothing is."""
    for name in names:
        if not _NAME.fullmatch(name):
            return "must be names of variables, with commas between them, like REPORTING_URL"
        if name in _RESERVED_NAMES or name.startswith(_RESERVED_PREFIXES):
            return f"may not name {name}, which is Coppice's, the runner's or the shell's own"
    return ""

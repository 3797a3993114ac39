"""Tries of what a server allows: what a throw-away database and its roles are called."""

import hashlib
import re

from app.core.databases import MARKER_TOKEN_LENGTH, TenantDatabase
from app.core.identifiers import DatabaseName, RoleName

PREFIX = "coppice-try-"
# When it began, in the server's seconds, and something that no other try has.
_NAME = re.compile(r"coppice-try-[0-9]{10,11}-[0-9a-f]{12}")
_RENAMED = "-renamed"


def trial_name(*, began_at: int, token: str) -> str:
    """The name of a try; `token` is twelve lowercase hex digits that the caller draws."""
    name = f"{PREFIX}{began_at}-{token}"
    if not _NAME.fullmatch(name):
        raise ValueError("a try is named by a time and twelve hex digits")
    return name


def is_of_a_trial(database: str) -> bool:
    """Whether a database is called as those that tries make, and drop."""
    return bool(_NAME.match(database))


def throw_away(name: str, *, fence: int) -> TenantDatabase:
    """The database of a try. All of it follows from the name, so that others can clear it away."""
    digest = hashlib.sha256(name.encode()).hexdigest()
    return TenantDatabase(
        name=DatabaseName(name),
        owner_role=RoleName(f"{name}-o"),
        login_role=RoleName(f"{name}-u"),
        data_role=RoleName(f"{name}-d"),
        marker=digest[:MARKER_TOKEN_LENGTH],
        fence=fence,
    )


def job_role(name: str) -> RoleName:
    """The login of a try's job."""
    return RoleName(f"{name}-j")


def renamed(name: str) -> DatabaseName:
    """What a try renames its database to."""
    return DatabaseName(f"{name}{_RENAMED}")

"""Databases: one environment of one app on one instance."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.core.environments import Environment
from app.core.identifiers import (
    AppId,
    BranchName,
    CommitSha,
    DatabaseId,
    DatabaseName,
    InstanceId,
    RoleName,
)


class DatabaseState(StrEnum):
    """Where a database is in its life; see docs/architecture.md."""

    CREATING = "creating"
    READY = "ready"
    ERROR = "error"
    DELETED = "deleted"
    """No connections; kept until `drop_after`."""
    GONE = "gone"


ENDED = frozenset({DatabaseState.DELETED, DatabaseState.GONE})
"""Not in use."""


class Closing(StrEnum):
    """Why a database is `deleted`: that decides how it comes back."""

    BY_HAND = "by-hand"
    """A person deleted it: a push or a run brings it back, a reconcile does not."""
    BRANCH_DELETED = "branch-deleted"
    BECAME_DEFAULT = "became-default"
    """Its branch became the default branch, whose database is production."""
    ACCESS_ENDED = "access-ended"
    """The App saw its repository no more; of the branch nothing is known."""
    SEALED = "sealed"
    """A template that was finished: databases are cloned from it, and nobody ever enters it."""
    FAILED = "failed"
    """A template that was not finished: nothing is cloned from it."""


MARKER_TOKEN_LENGTH = 24
_GENERATION = re.compile(r"[0-9a-f]{8}")

# Of databases that were ready: what is done by itself could be wrong, or hide what was lost.
FOR_A_PERSON = frozenset(
    {"database_missing", "naming_conflict", "marker_missing", "marker_changed"}
)
BRANCH_LIVED = frozenset({Closing.ACCESS_ENDED, Closing.BECAME_DEFAULT})


TEMPLATE_MISSING = "template_missing"
"""The code of the failure to clone a template that is not on the server any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """A sealed database that others are cloned from."""

    name: DatabaseName
    owner_role: RoleName
    login_role: RoleName
    """What migrations set for it holds in a clone for the clone's login."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantDatabase:
    """What PostgreSQL is told of a database: names and the marker, nothing of GitHub."""

    name: DatabaseName
    owner_role: RoleName
    """NOLOGIN, owns the database, so that tenants never do."""
    login_role: RoleName
    """The long-lived login."""
    data_role: RoleName | None = None
    """Shared by the databases of an app on a server; see `inner_owner`. May connect to none."""
    marker: str
    fence: int = 0
    """Of whoever holds the database's lock: the server refuses what an earlier holder asks for."""
    extensions: tuple[str, ...] = ()
    connections: int | None = None
    """Of each login at once, as far as the server has them; None: as many as are usual."""
    is_template: bool = False
    """It becomes a template: nothing that is set for its data role is taken for its own."""
    template: Template | None = None
    """What it is cloned from when it is made; both have the same data role. None: it is empty."""

    @property
    def inner_owner(self) -> RoleName:
        """Who owns everything inside: the data role, or the login where there is none."""
        return self.data_role or self.login_role

    def is_ours(self, marker: str | None) -> bool:
        """Whether a marker is this database's: of its present generation, or of one before.

        One without a marker was not finished, or an administrator took the marker away.
        """
        if marker is None:
            return True
        found, mine = marker_parts(marker), marker_parts(self.marker)
        return found[0] == mine[0] and found[1] <= mine[1]


def marker_parts(marker: str) -> tuple[str, int]:
    """What all generations of a database share, and the generation, which the first does not name.

    Hexadecimal throughout: that is what Actions take.
    """
    token, generation = marker[:MARKER_TOKEN_LENGTH], marker[MARKER_TOKEN_LENGTH:]
    return (token, int(generation, 16)) if _GENERATION.fullmatch(generation) else (marker, 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Database:
    """A row of the state database; `is_live` rows are unique per app, environment and branch."""

    id: DatabaseId = DatabaseId(0)
    """0 until it is stored."""
    app_id: AppId
    instance_id: InstanceId
    environment: Environment
    branch: BranchName | None
    name: DatabaseName
    owner_role: RoleName
    login_role: RoleName
    data_role: RoleName | None = None
    """Owns what is inside, if the databases of its app share that role; None: the login owns it."""
    marker: str
    """Of the present generation: a random token, and from the second on its number."""
    state: DatabaseState = DatabaseState.CREATING
    reason: str | None = None
    """Why the state is `error`, in a person's words."""
    generation: int = 1
    """Counts fresh starts (rebuild, reset) of the same row."""
    is_emptying: bool = False
    """A fresh start was asked for, and what stands under the name must be dropped first."""
    migrated_sha: CommitSha | None = None
    migrated_at: datetime | None = None
    created_at: datetime
    ready_at: datetime | None = None
    drop_after: datetime | None = None
    missing_since: datetime | None = None
    """When a reconcile first saw the branch gone without GitHub having told us."""
    is_live: bool = True
    """False once a fresh database has taken this one's place while it is kept."""
    closed_because: Closing | None = None
    """Of a deleted one."""
    is_frozen: bool = False
    """Past the size that its instance allows, so that nobody is let in."""
    reason_code: str | None = None
    """The stable code of the error that `reason` words."""
    is_unwanted: bool = False
    """A person wants it dropped now that it is deleted, whatever is left of its time."""
    opened_at: datetime | None = None
    """When a person opened it although it was frozen."""
    is_made: bool = False
    """It was ready since it was begun or emptied: if it is not on its server, it was lost."""
    fence: int = 0
    """Grows whenever its lock is taken; see `TenantDatabase.fence`."""
    cloned_from: DatabaseId | None = None
    """The template that it began as, in this generation; None: it began empty."""

    @property
    def inner_owner(self) -> RoleName:
        """Who owns everything inside; see `TenantDatabase.inner_owner`."""
        return self.tenant().inner_owner

    @property
    def is_set_aside(self) -> bool:
        """Whether it is a template that is finished or given up: no database that people use."""
        return self.environment is Environment.TEMPLATE and not self.is_live

    @property
    def is_shut(self) -> bool:
        """Whether it is frozen now; one that was deleted since is not, until it is restored."""
        return self.is_frozen and self.state is DatabaseState.ERROR

    @property
    def waits_for_person(self) -> bool:
        """Whether it failed in a way that nobody mends without looking."""
        is_lost = self.is_made and self.reason_code in FOR_A_PERSON
        return self.is_shut or (is_lost and self.state is DatabaseState.ERROR)

    @property
    def is_deleted_by_hand(self) -> bool:
        return self.closed_because is Closing.BY_HAND

    @property
    def is_branch_kept(self) -> bool:
        """Whether it was closed although its branch lived, as far as anybody knows to this day."""
        return self.closed_because in BRANCH_LIVED and self.missing_since is None

    def tenant(
        self, *, extensions: tuple[str, ...] = (), connections: int | None = None
    ) -> TenantDatabase:
        """What PostgreSQL is told of it."""
        return TenantDatabase(
            name=self.name,
            owner_role=self.owner_role,
            login_role=self.login_role,
            data_role=self.data_role,
            is_template=self.environment is Environment.TEMPLATE,
            marker=self.marker,
            fence=self.fence,
            extensions=extensions,
            connections=connections,
        )


def began_as(parent: str | None) -> str:
    """What a database was when it was made, as in "it is ..."; `parent` is its template."""
    return f"a clone of {parent}" if parent else "empty"


def counted(states: Iterable[str]) -> str:
    """How many databases there are, for people; deleted ones, whose data is kept, stand apart."""
    found = list(states)
    kept = found.count(DatabaseState.DELETED)
    words = str(len(found) - kept)
    if kept:
        words += f", and {kept} deleted that {'is' if kept == 1 else 'are'} kept"
    return words

"""Where commands about apps and databases are done: on this machine, or by a service elsewhere.

One interface, so that each command reads the same on both sides.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Protocol

from app.cli.output import Row
from app.core.audit import Action
from app.core.environments import Environment
from app.core.errors import Invalid
from app.core.seeding import LocalSeed


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Which database a person means: a repository's by place, or one by its own name."""

    name: str
    branch: str | None = None
    environment: Environment | None = None
    app_id: str | None = None

    @property
    def is_repository(self) -> bool:
        return "/" in self.name

    def check_place(self) -> None:
        """Raise Invalid when nothing says which of the repository's databases is meant."""
        if self.branch is None and self.environment is None:
            raise Invalid(
                f"Say which database of {self.name}.",
                advice="Add --branch NAME or --environment NAME.",
            )


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """A database that is there."""

    id: int
    name: str
    record: Row
    """All that is shown of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Made:
    """A database that is there now."""

    name: str
    is_restored: bool
    """It was deleted, and has the data of then."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Given:
    """The variables of a database's long-lived login."""

    name: str
    variables: dict[str, str] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class LocalWork:
    """What it takes to migrate the database for local work on this machine."""

    id: int
    generation: int
    given: Given
    migration_command: str
    seed_command: str
    """The assignment's commands; empty: none."""
    awaits_seed: bool
    is_elsewhere: bool
    """The service is another's: what it says is run here only if the person agrees."""


class Desk(Protocol):
    """What people ask for. What it starts it also waits for."""

    def apps(self) -> Sequence[Row]: ...

    def app(self, name: str, *, app_id: str | None) -> Row:
        """All that is shown of an app of `OWNER/REPO`, or of one by its id."""

    def databases(self, repository: str | None) -> Sequence[Row]: ...

    def find(self, target: Target) -> Found:
        """Raise NotFound when there is no such database."""

    def create(self, target: Target) -> Made:
        """Make it, or bring it back with its data."""

    def fix(self, found: Found) -> None: ...

    def reset(self, found: Found) -> None: ...

    def seed(self, found: Found) -> None: ...

    def restore(self, found: Found) -> None: ...

    def delete(self, found: Found) -> Row:
        """Close it; returns what is shown of it then."""

    def drop(self, found: Found) -> None: ...

    def set_accelerate_url(self, found: Found, url: str | None) -> None: ...

    def login(self, target: Target, *, purpose: Action) -> Given:
        """The login of a database; one for local work is made when it is first asked for."""

    def local_work(self, target: Target) -> LocalWork:
        """The database for local work, made when it is first asked for."""

    def migrated(self, work: LocalWork, *, seed: LocalSeed) -> None:
        """Remember that it was migrated here, and how the seed command ended."""

    def tokens(self) -> Sequence[Row]: ...

    def make_token(
        self, name: str, *, app_id: str | None, is_read_only: bool, days: int | None
    ) -> str:
        """Returns the token itself, which is not kept."""

    def revoke_token(self, token_id: int) -> None: ...


OpenDesk = AbstractContextManager[Desk]

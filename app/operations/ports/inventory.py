"""What operations ask of the state database about instances, apps and databases.

Each method is one transaction. Those that take `then` queue these jobs in it.
"""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.core.databases import Closing, Database, DatabaseState
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
from app.core.intents import Intent


@dataclass(frozen=True, slots=True, kw_only=True)
class NewDatabase:
    """An intent recorded before PostgreSQL is touched."""

    app_id: AppId
    instance_id: InstanceId
    environment: Environment
    branch: BranchName | None
    name: DatabaseName
    owner_role: RoleName
    login_role: RoleName
    marker: str


class Databases(Protocol):
    """Databases."""

    def get(self, database_id: DatabaseId) -> Database:
        """Raise NotFound when there is none."""

    def live(
        self, app_id: AppId, environment: Environment, branch: BranchName | None = None
    ) -> Database | None:
        """The database that takes this place now, in any state but `gone`."""

    def all(
        self,
        *,
        app_id: AppId | None = None,
        instance_id: InstanceId | None = None,
        include_gone: bool = False,
    ) -> Sequence[Database]: ...

    def intend(self, new: NewDatabase) -> Database:
        """Record a database as `creating`; returns the present one if its place is taken.

        Raises Conflict when another database of the instance has the name.
        """

    def change(
        self,
        database: Database,
        *,
        state: DatabaseState,
        reason: str | None = None,
        reason_code: str | None = None,
        then: Sequence[Intent] = (),
    ) -> None:
        """Set a state other than `deleted`; the reason and its code are what is given, or none.

        `ready` also stamps `ready_at` and clears `missing_since`. Every state but `error` opens
        what was frozen. Without its lock: `set_up_again`, `start_afresh`; they look where it is.

        Raises LockLost, here and wherever a database is asked for instead of its id: the lock,
        under which it was read, has been taken by another since. Nothing is changed then.
        """

    def made(self, database: Database, *, then: Sequence[Intent] = ()) -> bool:
        """Set the state `ready`; False, and nothing is done, if it is past that generation."""

    def set_up_again(
        self, database_id: DatabaseId, *, for_person: bool = True, then: Sequence[Intent] = ()
    ) -> bool:
        """`creating`; anew if it was lost. False: deleted, gone, or it waits for a person."""

    def delete(
        self,
        database: Database,
        *,
        drop_after: datetime | None,
        because: Closing,
        then: Sequence[Intent] = (),
    ) -> None:
        """Set the state `deleted`: until when the data is kept (None: for ever), and why.

        Data that was to be emptied, and is still there, is kept too.
        """

    def mark_unwanted(self, database_id: DatabaseId, *, then: Sequence[Intent] = ()) -> None:
        """If it is `deleted`: a person wants it dropped. Forgotten when its state changes."""

    def retire(self, database: Database, *, name: DatabaseName) -> None:
        """Give up its place for a fresh one: renamed, kept until its `drop_after`."""

    def start_afresh(
        self,
        database_id: DatabaseId,
        *,
        generation: int,
        is_held: bool = True,
        then: Sequence[Intent] = (),
    ) -> bool:
        """`creating`, to be emptied, no last migrated commit, and a marker of its own.

        False, and nothing is done, if it is of another generation, `deleted` or `gone`; unless
        `is_held`, also if somebody holds its lease. No lease is taken in the same instant.
        """

    def begin_emptying(self, database: Database) -> None:
        """What stands under the name is about to be dropped; nothing there is promised any more."""

    def emptied(self, database: Database) -> None:
        """What stood under the name has been dropped."""

    def mark_missing(self, database_ids: Sequence[DatabaseId], *, at: datetime) -> None: ...

    def clear_missing(self, database_ids: Sequence[DatabaseId]) -> None: ...

    def migrated(self, database_id: DatabaseId, *, head_sha: CommitSha) -> None:
        """Remember the commit last migrated successfully."""

    def password(self, database_id: DatabaseId) -> str | None:
        """The long-lived login's password, decrypted."""

    def set_password(self, database: Database, password: str) -> None:
        """Store it encrypted; done before PostgreSQL gets the verifier."""

    def accelerate_url(self, database_id: DatabaseId) -> str | None:
        """The Prisma Accelerate URL that somebody stored for it, decrypted."""

    def set_accelerate_url(self, database_id: DatabaseId, url: str | None) -> None:
        """Store it encrypted; None forgets it."""

    def exclusively(self, database_id: DatabaseId) -> AbstractContextManager[Database]:
        """Hold the database's lock, and read it: a second worker waits, also one thought dead.

        Ends with the session, which its holder may not notice. So each taking has a `fence` of its
        own: what an earlier holder still wants to do is refused, here and by the database's server.
        Raises TransientError after 20 seconds of waiting.
        """

    def still_held(self, database: Database) -> Database:
        """Read it again under its lock. Raises LockLost."""

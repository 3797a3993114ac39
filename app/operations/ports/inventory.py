"""What operations ask of the state database about instances, apps and databases.

Each method is one transaction. Those that take `then` queue these jobs in it.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.core.assignments import App, Assignment
from app.core.databases import Closing, Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import (
    AppId,
    BranchName,
    CommitSha,
    DatabaseId,
    DatabaseName,
    InstanceId,
    RepositoryId,
    RoleName,
)
from app.core.instances import Instance
from app.core.intents import Intent


class Instances(Protocol):
    """Servers."""

    def get(self, instance_id: InstanceId) -> Instance:
        """Raise NotFound when there is none."""

    def known(self, instance_ids: Collection[InstanceId]) -> Mapping[InstanceId, Instance]:
        """Those that there are, read together."""

    def named(self, name: str) -> Instance:
        """Raise NotFound when there is none."""

    def all(self) -> Sequence[Instance]: ...

    def add(self, instance: Instance) -> InstanceId:
        """Store it; `instance.id` is ignored. Raises Conflict when the name is taken."""

    def update(self, instance: Instance) -> None: ...

    def begin_deletion(self, instance_id: InstanceId) -> None:
        """From now on nothing can be assigned to it; there is no way back. May be repeated.

        Raises Conflict while an app is assigned to it, or has databases there; NotFound when it is
        there no more.
        """

    def forget(self, instance_id: InstanceId) -> None:
        """Forget it, and everything about its databases, once its deletion has begun."""

    def exclusively(self, name: str) -> AbstractContextManager[None]:
        """Hold the lock of a name, which need not be an instance's yet.

        Ends with the session. Raises TransientError after 20 seconds of waiting.
        """


class Apps(Protocol):
    """Apps and their assignments."""

    def get(self, app_id: AppId) -> App | None: ...

    def known(self, app_ids: Collection[AppId]) -> Mapping[AppId, App]:
        """Those that there are, read together."""

    def database_states(
        self, app_ids: Collection[AppId], *, only_live: bool = False
    ) -> Mapping[AppId, Mapping[DatabaseState, int]]:
        """How many databases of each app are in each state; none is `gone`."""

    def of_repository(self, repository_id: RepositoryId) -> Sequence[App]: ...

    def add(self, app: App) -> None:
        """Raise Conflict when the id is taken."""

    def assignment(self, app_id: AppId) -> Assignment | None: ...

    def assignments(
        self,
        *,
        repository_id: RepositoryId | None = None,
        instance_id: InstanceId | None = None,
    ) -> Sequence[Assignment]:
        """All, or those of a repository, or those of an instance; oldest app first."""

    def assign(self, assignment: Assignment, *, then: Sequence[Intent] = ()) -> bool:
        """Create the app's assignment; False, and nothing is done, if it has one.

        Raises NotFound when the instance is not there any more.
        """

    def edit(self, assignment: Assignment, *, then: Sequence[Intent] = ()) -> bool:
        """Change command and policies; False, and nothing is done, if it was removed."""

    def remove(self, app_id: AppId) -> None:
        """End the assignment; the app and its databases stay.

        What branches it finds when it is assigned again is as for a new app.
        """


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


class DormantBranches(Protocol):
    """Branches without a database that a reconcile leaves alone."""

    def of_app(self, app_id: AppId) -> frozenset[BranchName]: ...

    def begin(self, app_id: AppId, branches: Iterable[BranchName]) -> None:
        """These were there before the app was; does nothing once that is recorded."""

    def keep_only(self, app_id: AppId, branches: Iterable[BranchName]) -> None:
        """Forget those that are gone or have a database now."""

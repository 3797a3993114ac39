"""What operations ask of the state database; the rooms of app/store implement it.

Each method is one transaction. Those that take `then` queue these jobs in the same transaction.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.core.assignments import App, Assignment
from app.core.checks import Check, CheckContent
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.events import Event
from app.core.identifiers import (
    AppId,
    BranchName,
    CheckId,
    CheckRunId,
    CommitSha,
    DatabaseId,
    DatabaseName,
    InstallationId,
    InstanceId,
    PullRequestNumber,
    RepositoryId,
    RoleName,
    RunId,
)
from app.core.instances import Instance
from app.core.intents import Intent
from app.core.repositories import InstallationState, PullRequest, Repository


class Instances(Protocol):
    """Servers."""

    def get(self, instance_id: InstanceId) -> Instance:
        """Raise NotFound when there is none."""

    def named(self, name: str) -> Instance:
        """Raise NotFound when there is none."""

    def all(self) -> Sequence[Instance]: ...

    def add(self, instance: Instance) -> InstanceId:
        """Store it; `instance.id` is ignored. Raises Conflict when the name is taken."""

    def update(self, instance: Instance) -> None: ...

    def delete(self, instance_id: InstanceId) -> None:
        """Forget it and its database rows. Raises Conflict while an app is assigned."""


class Apps(Protocol):
    """Apps and their assignments."""

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

    def assign(self, assignment: Assignment, *, then: Sequence[Intent] = ()) -> None:
        """Create or replace the app's assignment."""

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
        database_id: DatabaseId,
        *,
        state: DatabaseState,
        reason: str | None = None,
        drop_after: datetime | None = None,
        then: Sequence[Intent] = (),
    ) -> None:
        """Set the state; `reason` and `drop_after` are what they are given, else emptied.

        `ready` also stamps `ready_at` and clears `missing_since`.
        """

    def retire(self, database_id: DatabaseId, *, name: DatabaseName) -> None:
        """Give up its place for a fresh one: renamed, kept until its `drop_after`."""

    def start_afresh(self, database_id: DatabaseId, *, generation: int) -> None:
        """If it is of that generation: `creating`, to be emptied, no last migrated commit."""

    def emptied(self, database_id: DatabaseId) -> None:
        """What stood under the name has been dropped."""

    def mark_missing(self, database_ids: Sequence[DatabaseId], *, at: datetime) -> None: ...

    def clear_missing(self, database_ids: Sequence[DatabaseId]) -> None: ...

    def migrated(self, database_id: DatabaseId, *, head_sha: CommitSha) -> None:
        """Remember the commit last migrated successfully."""

    def password(self, database_id: DatabaseId) -> str | None:
        """The long-lived login's password, decrypted."""

    def set_password(self, database_id: DatabaseId, password: str) -> None:
        """Store it encrypted; done before PostgreSQL gets the verifier."""

    def exclusively(self, database_id: DatabaseId) -> AbstractContextManager[None]:
        """Hold the database's lock: a second worker waits, also one that was thought dead.

        Ends with the session. Raises TransientError after 20 seconds of waiting.
        """


class DormantBranches(Protocol):
    """Branches without a database that a reconcile leaves alone."""

    def of_app(self, app_id: AppId) -> frozenset[BranchName]: ...

    def begin(self, app_id: AppId, branches: Iterable[BranchName]) -> None:
        """These were there before the app was; does nothing once that is recorded."""

    def keep_only(self, app_id: AppId, branches: Iterable[BranchName]) -> None:
        """Forget those that are gone or have a database now."""


class Repositories(Protocol):
    """Repositories and pull requests as last heard of."""

    def get(self, repository_id: RepositoryId) -> Repository | None: ...

    def named(self, full_name: str) -> Repository | None: ...

    def save(self, repository: Repository, *, then: Sequence[Intent] = ()) -> None: ...

    def all(self, *, installation_id: InstallationId | None = None) -> Sequence[Repository]: ...

    def set_installation_state(
        self, repository_ids: Sequence[RepositoryId], state: InstallationState
    ) -> None: ...

    def save_pull_request(self, pull_request: PullRequest) -> None: ...

    def replace_open_pull_requests(
        self, repository_id: RepositoryId, pull_requests: Sequence[PullRequest]
    ) -> None:
        """These and only these are open."""

    def pull_request(
        self, repository_id: RepositoryId, number: PullRequestNumber
    ) -> PullRequest | None: ...

    def open_pull_requests(
        self, repository_id: RepositoryId, *, branch: BranchName | None = None
    ) -> Sequence[PullRequest]: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckSubject:
    """What a check run is about: the commit, and what its buttons mean."""

    repository_id: RepositoryId
    head_sha: CommitSha
    app_id: AppId | None = None
    database_id: DatabaseId | None = None
    run_id: RunId | None = None


class Checks(Protocol):
    """Check runs that should exist."""

    def get(self, check_id: CheckId) -> Check:
        """Raise NotFound when there is none."""

    def of_commit(self, repository_id: RepositoryId, head_sha: CommitSha) -> Sequence[Check]: ...

    def want(
        self,
        content: CheckContent,
        subject: CheckSubject,
        *,
        is_urgent: bool = True,
        delay_seconds: int = 0,
        keep_existing: bool = False,
    ) -> CheckId:
        """Say what should stand on the commit under `content.name`, and queue its posting.

        With `keep_existing` a check that somebody wanted before stays as it is. Wanting the same
        content again queues nothing.
        """

    def posted(self, check_id: CheckId, *, github_id: CheckRunId, wanted: int) -> None:
        """GitHub shows version `wanted`."""

    def version(self, check_id: CheckId) -> int:
        """The version wanted now."""

    def database_of(self, check_id: CheckId) -> DatabaseId | None: ...

    def run_of(self, check_id: CheckId) -> RunId | None: ...

    def post_later(self, check_id: CheckId, *, delay_seconds: int, is_urgent: bool = True) -> None:
        """Queue the posting once more, no sooner than those that wait already can be done."""

    def requeue_lost(self) -> int:
        """Queue the posting of every check whose job gave up; returns how many."""

    def take_write(self, installation_id: InstallationId, *, kind: str) -> int:
        """Count one write to GitHub against the installation's budget.

        Returns 0 when it may be made now, else the seconds to wait (and counts nothing).
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One webhook request, verified."""

    guid: str
    event: str
    action: str | None


class Deliveries(Protocol):
    """Webhook requests that were taken in."""

    def record(self, delivery: Delivery, event: Event | None) -> str:
        """Store the delivery and queue what it asks for; durable when this returns.

        Returns `queued`, `nothing`, `ignored` (an event that is not handled) or `duplicate`.
        """

    def has(self, guid: str) -> bool: ...

    def forget(self, *, older_than_days: int) -> None:
        """Delete old rows; GitHub redelivers for three days only."""


class Queue(Protocol):
    """The queue, for jobs that go with no row."""

    def add(self, intents: Sequence[Intent]) -> None: ...

    def waiting(self) -> Mapping[str, int]:
        """How many jobs wait or run, by queue."""


class Audit(Protocol):
    """Who did what."""

    def record(self, actor: str, action: str, subject: str, *, detail: str = "") -> None: ...

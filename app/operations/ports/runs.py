"""What operations ask of the state database about runs; see `state` for the rest."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from app.core.databases import Database
from app.core.environments import Environment
from app.core.identifiers import (
    AppId,
    BranchName,
    CommitSha,
    DatabaseId,
    JobLoginId,
    MigrationId,
    RepositoryId,
    RoleName,
    RunId,
    WorkflowJobId,
    WorkflowRunId,
)
from app.core.runs import JobLogin, Migration, MigrationResult, Run, Seeding
from app.core.seeding import Seed


class Runs(Protocol):
    """Runs of the Action."""

    def start(self, run: Run, *, key: str) -> Run:
        """Store it; `run.id` is ignored. Returns the present one when the attempt used this key."""

    def get(self, run_id: RunId) -> Run:
        """Raise NotFound when there is none."""

    def of_commit(self, repository_id: RepositoryId, head_sha: CommitSha) -> Sequence[Run]:
        """Oldest first."""

    def is_room_for(self, run: Run, *, key: str, most: int) -> bool:
        """Whether its job has begun fewer than `most`, or this very one before."""

    def forget(self, *, before: datetime, most: int) -> None:
        """Delete runs that began earlier, with their migrations and logs; so many at once.

        A run that still holds something stays, and the last one of each database.
        """


@dataclass(frozen=True, slots=True, kw_only=True)
class NewMigration:
    """One database's share of a run, about to start."""

    run_id: RunId
    database_id: DatabaseId
    environment: Environment
    generation: int
    """Of the database: a rebuild in between is seen by it."""
    rebuilt: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How a migration ended; no `log_tail` holds a secret any more."""

    result: MigrationResult
    exit_code: int | None = None
    duration_seconds: float | None = None
    log_tail: str = ""
    seeding: Seeding | None = None
    log: str = ""
    """All that came of the log, with its colours."""
    seed_log: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A migration holds its database until then, unless it asks for more time."""

    database_id: DatabaseId
    migration: Migration
    expires_at: datetime


class Migrations(Protocol):
    """Migrations and the leases they hold."""

    def of_run(self, run_id: RunId) -> Sequence[Migration]:
        """Oldest first."""

    def last_of_commit(
        self, app_id: AppId, environment: Environment, head_sha: CommitSha
    ) -> Migration | None:
        """The one that started last."""

    def branches_of(self, database_id: DatabaseId, head_sha: CommitSha) -> Sequence[BranchName]:
        """The branches whose runs migrated the database to this commit: the last few of them."""

    def take(
        self, new: NewMigration, *, at: datetime, expires_at: datetime
    ) -> tuple[Migration, bool] | None:
        """Start it and hold its database; None while another migration does, or it is not ready.

        Returns the present one when it had started, and whether it holds the database.
        """

    def finish(self, migration_id: MigrationId, outcome: Outcome, *, at: datetime) -> Migration:
        """Record how it ended; it still holds its database. The first report stands."""

    def took_back(self, run_id: RunId, database_id: DatabaseId, settings: Sequence[str]) -> None:
        """Add names of settings that were taken back to the run's last migration there, if any."""


class Leases(Protocol):
    """Who holds a database."""

    def of(self, database_id: DatabaseId) -> Lease | None: ...

    def renew(self, migration_id: MigrationId, *, expires_at: datetime) -> bool:
        """Hold on; False when the lease was seized or has ended."""

    def release(self, migration_id: MigrationId) -> None: ...

    def expired(self, at: datetime) -> Sequence[Lease]: ...

    def seize(self, migration_id: MigrationId, *, at: datetime) -> bool:
        """Make an expired lease impossible to renew; it still keeps others out. May be repeated.

        False when it was renewed or has ended meanwhile.
        """


class Seeds(Protocol):
    """Which databases have their seed. A database that starts afresh is as if never seen."""

    def of(self, database: Database) -> Seed | None:
        """None when nothing is remembered of this generation."""

    def known(self, database_ids: Sequence[DatabaseId]) -> Mapping[DatabaseId, Seed]:
        """The same for several, read together."""

    def settle(self, database: Database, *, at: datetime | None) -> None:
        """It was seeded at this time; None: it needs no seed, and what was before stays known."""

    def owe(self, database: Database) -> None:
        """The next run seeds it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewJobLogin:
    """A login to be made; stored before PostgreSQL hears of it."""

    run_id: RunId
    database_id: DatabaseId
    role: RoleName
    password: str = field(repr=False)
    valid_until: datetime
    outlives_run: bool


class JobLogins(Protocol):
    """Job logins that have not ended."""

    def open(self, new: NewJobLogin) -> JobLogin:
        """Store it, the password encrypted; returns the present one of that run and database.

        One that is over is replaced.
        """

    def password(self, login_id: JobLoginId) -> str:
        """Raise NotFound once the login has ended."""

    def of_database(self, database_id: DatabaseId) -> Sequence[JobLogin]: ...

    def of_workflow_run(
        self,
        repository_id: RepositoryId,
        workflow_run_id: WorkflowRunId,
        *,
        attempt: int,
        job_id: WorkflowJobId | None,
    ) -> Sequence[JobLogin]:
        """Of one job, or of every job of the attempt."""

    def due(self, at: datetime) -> Sequence[JobLogin]:
        """Those whose time is over, and those whose run holds the database no more.

        A login of a running migration is not due: its lease decides.
        """

    def is_over(self, login_id: JobLoginId) -> None:
        """Have it due until it has ended; its run gets another one if it asks again."""

    def ended(self, login_id: JobLoginId) -> None:
        """Forget the password."""

"""Runs of the Action and the migrations inside them."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Annotated

from annotated_types import Ge, Le, MaxLen

from app.core.assignments import Command
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
from app.core.repositories import Ancestry
from app.core.rules import Described
from app.core.traces import Counts, Trace

Minutes = Annotated[int, Ge(1), Le(360)]
_Identifier = Annotated[str, MaxLen(100)]
"""A name has 63 bytes in PostgreSQL."""


class CredentialKind(StrEnum):
    """Which login a job asks for."""

    JOB = "job"
    RUNTIME = "runtime"


class MigrationResult(StrEnum):
    """How one migration ended, as the Action and the checks say it."""

    SUCCESS = "success"
    FAILURE = "failure"
    TIMED_OUT = "timed-out"
    SUPERSEDED = "superseded"
    SKIPPED = "skipped"
    NEVER_CONNECTED = "never-connected"
    """The command ended well without ever connecting to its database: nothing was migrated."""


WELL = frozenset({MigrationResult.SUCCESS, MigrationResult.NEVER_CONNECTED})
"""The command did not fail, and what waits for it goes on."""


_SEEDED_BADLY: dict[str, str] = {
    MigrationResult.FAILURE: "migrated, but the seed failed",
    MigrationResult.TIMED_OUT: "migrated, but the seed was stopped: out of time",
    MigrationResult.NEVER_CONNECTED: "migrated, but the seed never connected",
}


def word_of(result: str, seed_result: str | None) -> str:
    """How a migration fared with the seed command after it, as everybody writes it.

    Args:
        result: One of `MigrationResult`, or `running`.
        seed_result: One of `MigrationResult`; None: no seed command followed.
    """
    if result == MigrationResult.SUCCESS and seed_result is not None:
        return _SEEDED_BADLY.get(seed_result, result)
    return result


@dataclass(frozen=True, slots=True, kw_only=True)
class RunRequest:
    """What the Action may say. It can name no branch and no database: those come from GitHub."""

    app: Annotated[
        str, Described(pattern=r"^([a-z0-9]{2,16})?$", description="Of several apps, which one")
    ] = ""
    environments: tuple[Environment, ...] = ()
    migrate: bool = True
    migration_command: Command = ""
    seed_command: Command = ""
    credentials: CredentialKind = CredentialKind.JOB
    export_env: bool = False
    credentials_minutes: Minutes = 60
    timeout_minutes: Minutes = 30
    template: Annotated[
        bool, Described(description="A template may follow production; older Actions know none")
    ] = False
    job: Annotated[str, MaxLen(200), Described(description="GITHUB_JOB")] = ""
    step: Annotated[
        str,
        Described(
            pattern=r"^[A-Za-z0-9_-]{8,128}$",
            description="Made at random for each execution: a repeated request finds its run",
        ),
    ]


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One execution of the Action: which job of GitHub's it is, and what it asked for."""

    id: RunId = RunId(0)
    """0 until it is stored."""
    app_id: AppId
    repository_id: RepositoryId
    workflow_run_id: WorkflowRunId
    workflow_attempt: int
    workflow_job_id: WorkflowJobId | None
    job_name: str
    event: str
    head_sha: CommitSha
    branch: BranchName | None
    """Branch of the `branch` environment; None on the default branch and in merge groups."""
    environments: tuple[Environment, ...]
    """In the order in which they are migrated."""
    primary: Environment
    migrates: bool
    credentials: CredentialKind
    export_env: bool
    credentials_minutes: int
    timeout_minutes: int
    command: str
    created_at: datetime
    seed_command: str = ""
    """Empty: nothing is seeded."""
    source_branch: BranchName | None = None
    """Which branch it is on, whatever it reaches; None for runs of before this was known."""

    @property
    def answered_for(self) -> tuple[Environment, ...]:
        """What those have to be allowed to change who start it again; a template is nobody's."""
        return tuple(one for one in self.environments if one is not Environment.TEMPLATE)

    @property
    def minutes_per_database(self) -> int:
        """How long its commands may take on one database: each has the timeout for itself."""
        return self.timeout_minutes * (2 if self.seed_command.strip() else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeding:
    """How the seed command ended that followed a successful migration."""

    result: MigrationResult
    """`success`, `failure`, `timed-out` or `never-connected`."""
    exit_code: int | None
    duration_seconds: float
    log_tail: str

    @property
    def has_succeeded(self) -> bool:
        return self.result is MigrationResult.SUCCESS


class UnfinishedKind(StrEnum):
    """What a command can leave behind that PostgreSQL does not use, or not hold everything to."""

    INDEX = "index"
    """Invalid: CREATE INDEX CONCURRENTLY did not end well. `IF NOT EXISTS` takes it for made."""
    CONSTRAINT = "constraint"
    """Not validated, which is often meant: rows of before are not held to it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Unfinished:
    """An invalid index or a constraint that is not validated; the names are a tenant's."""

    kind: UnfinishedKind
    namespace: Annotated[_Identifier, Described(description="Its schema")]
    table: Annotated[_Identifier, Described(description="Or domain")]
    name: _Identifier


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One database's share of a run."""

    id: MigrationId = MigrationId(0)
    """0 until it is stored."""
    run_id: RunId
    database_id: DatabaseId
    environment: Environment
    started_at: datetime
    finished_at: datetime | None = None
    result: MigrationResult | None = None
    exit_code: int | None = None
    duration_seconds: float | None = None
    log_tail: str = ""
    rebuilt: bool
    """It ran on a preview database that was emptied after a first failure."""
    generation: int
    """Of the database when it started."""
    seeding: Seeding | None = None
    """None: no seed command followed it."""
    settings_taken_back: tuple[str, ...] = ()
    """Names of the settings that it left on the database's roles and that are not kept."""
    traced: Counts | None = None
    """None: there is no trace of its command."""

    @property
    def remark(self) -> str:
        """What a person should know however it ended; empty when there is nothing."""
        if not self.settings_taken_back:
            return ""
        names = ", ".join(self.settings_taken_back)
        return (
            "Settings that were left on the database's role (`ALTER ROLE ... SET`) were taken back:"
            f" {names}. Only harmless ones stay; set these in the sessions that need them."
        )

    unfinished: tuple[Unfinished, ...] = ()
    """What its commands left behind so; what was so before is not among it."""

    @property
    def is_good(self) -> bool:
        """Whether it was migrated, and seeded where the seed command followed."""
        is_seeded = self.seeding is None or self.seeding.has_succeeded
        return self.result is MigrationResult.SUCCESS and is_seeded

    @property
    def has_ended_well(self) -> bool:
        """Whether no command failed, though one may not have connected to the database."""
        return self.result in WELL and (self.seeding is None or self.seeding.result in WELL)


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLogin:
    """A role that lives as long as one job needs it."""

    id: JobLoginId = JobLoginId(0)
    """0 until it is stored."""
    run_id: RunId
    database_id: DatabaseId
    role: RoleName
    valid_until: datetime
    outlives_run: bool
    """`export-env`: kept until GitHub reports the job completed, or `valid_until`."""


def most_runs(run: Run) -> int:
    """How many runs its job may begin: far more than any needs, so that none fills the state.

    Where GitHub does not name the job, all jobs of the attempt share theirs.
    """
    return 100 if run.workflow_job_id is not None else 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class LoginAnswer:
    """What a machine says to a request: the login stands in the state database, or why not."""

    pooler_problem: str | None = None
    """Why the pooler is left out."""
    error: Mapping[str, str] | None = None
    """How it was refused: kind, code, message and advice."""


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run, and what became of it on each database, in the order of migration."""

    run: Run
    migrations: tuple[Migration, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class LastMigration:
    """The migration of a database that was tried last."""

    run_id: RunId
    result: MigrationResult | None
    """`success`, `failure`, `timed-out` or `never-connected`; None: it is running."""
    head_sha: CommitSha
    at: datetime
    """When it ended, or began if it is running."""
    seed_command: str = ""
    """Of the run; empty: it had none."""
    seed_result: MigrationResult | None = None
    """Of the seed command that followed it; None: none did."""

    @property
    def word(self) -> str:
        """How it fared, as everybody writes it."""
        return word_of(self.result.value if self.result else "running", self.seed_result)

    @property
    def is_good(self) -> bool:
        """Whether it was migrated, and seeded where the seed command followed."""
        is_seeded = self.seed_result in (None, MigrationResult.SUCCESS)
        return self.result is MigrationResult.SUCCESS and is_seeded

    @property
    def has_failed(self) -> bool:
        """Whether a command failed; one that never connected has not."""
        results = (self.result, self.seed_result)
        return any(result is not None and result not in WELL for result in results)


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
    unfinished: tuple[Unfinished, ...] = ()
    trace: Trace | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Lease:
    """A migration holds its database until then, unless it asks for more time."""

    database_id: DatabaseId
    migration: Migration
    expires_at: datetime


def is_passed_over(ancestry: Ancestry, *, is_live_head: bool, is_newer_alive: bool) -> bool:
    """Whether a run is superseded: its commit is a strict ancestor of the last migrated one.

    The same commit, another line of history and an unknown ancestry all run. So does the head of
    a branch that was forced back: the newer commit is not part of it any more. On a database that
    several branches share, that one may be alive elsewhere, and then an old branch does not undo
    it.

    Args:
        ancestry: How the run's commit relates to the last migrated one.
        is_live_head: The run's commit is the head of its branch now.
        is_newer_alive: The last migrated commit is part of another branch that shares the database.
    """
    return ancestry is Ancestry.BEHIND and (is_newer_alive or not is_live_head)

"""Runs of the Action and the migrations inside them."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

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


_SEEDED_BADLY: dict[str, str] = {
    MigrationResult.FAILURE: "migrated, but the seed failed",
    MigrationResult.TIMED_OUT: "migrated, but the seed was stopped: out of time",
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
class Run:
    """One execution of the Action: which job of GitHub's it is, and what it asked for."""

    id: RunId
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
    def minutes_per_database(self) -> int:
        """How long its commands may take on one database: each has the timeout for itself."""
        return self.timeout_minutes * (2 if self.seed_command.strip() else 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Seeding:
    """How the seed command ended that followed a successful migration."""

    result: MigrationResult
    """`success`, `failure` or `timed-out`."""
    exit_code: int | None
    duration_seconds: float
    log_tail: str

    @property
    def has_succeeded(self) -> bool:
        return self.result is MigrationResult.SUCCESS


@dataclass(frozen=True, slots=True, kw_only=True)
class Migration:
    """One database's share of a run."""

    id: MigrationId
    run_id: RunId
    database_id: DatabaseId
    environment: Environment
    started_at: datetime
    finished_at: datetime | None
    result: MigrationResult | None
    exit_code: int | None
    duration_seconds: float | None
    log_tail: str
    rebuilt: bool
    """It ran on a preview database that was emptied after a first failure."""
    generation: int
    """Of the database when it started."""
    seeding: Seeding | None = None
    """None: no seed command followed it."""
    settings_taken_back: tuple[str, ...] = ()
    """Names of the settings that it left on the database's roles and that are not kept."""

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

    @property
    def is_good(self) -> bool:
        """Whether it was migrated, and seeded where the seed command followed."""
        is_seeded = self.seeding is None or self.seeding.has_succeeded
        return self.result is MigrationResult.SUCCESS and is_seeded


@dataclass(frozen=True, slots=True, kw_only=True)
class JobLogin:
    """A role that lives as long as one job needs it."""

    id: JobLoginId
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

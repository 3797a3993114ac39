"""What people ask of the state database about runs that were."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.core.identifiers import AppId, CommitSha, DatabaseId, MigrationId, RunId
from app.core.runs import WELL, Migration, MigrationResult, Run, word_of


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


class History(Protocol):
    """Runs of an app, the newest first."""

    def of_app(
        self, app_id: AppId, *, limit: int, before: RunId | None = None
    ) -> Sequence[PastRun]:
        """The newest, or with `before` those older than that run; the logs are left out."""

    def run(self, app_id: AppId, run_id: RunId) -> PastRun:
        """One run with the ends of its logs. Raises NotFound when the app has none of that id."""

    def last_migrations(
        self, database_ids: Sequence[DatabaseId], *, ended: bool = False
    ) -> Mapping[DatabaseId, LastMigration]:
        """Of the databases' present generations; `ended`: of those that ran to an end."""

    def log(self, migration_id: MigrationId) -> tuple[str, str]:
        """All that came of a migration's log, with its colours, and of the seed's after it."""

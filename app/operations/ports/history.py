"""What people ask of the state database about runs that were."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from app.core.identifiers import AppId, MigrationId, RunId
from app.core.runs import Migration, Run


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A run, and what became of it on each database, in the order of migration."""

    run: Run
    migrations: tuple[Migration, ...]


class History(Protocol):
    """Runs of an app, the newest first."""

    def of_app(
        self, app_id: AppId, *, limit: int, before: RunId | None = None
    ) -> Sequence[PastRun]:
        """The newest, or with `before` those older than that run; the logs are left out."""

    def run(self, app_id: AppId, run_id: RunId) -> PastRun:
        """One run with the ends of its logs. Raises NotFound when the app has none of that id."""

    def log(self, migration_id: MigrationId) -> tuple[str, str]:
        """All that came of a migration's log, with its colours, and of the seed's after it."""

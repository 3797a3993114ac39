"""What the migration of every database needs of its surroundings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from action import changed, environment
from action.errors import ActionError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from action.console import Console
    from action.inputs import Inputs, Job
    from action.interruption import Interruption
    from action.limit import Limit
    from action.reply import Run
    from action.service import Service
    from action.user_command import Inherited


@dataclass(frozen=True)
class Workplace:
    """One run, and everything that serves it."""

    inputs: Inputs
    job: Job
    run: Run
    service: Service
    console: Console
    interruption: Interruption
    limit: Limit
    folder: Path
    """Fresh, and outlives the step: certificates of exported variables stay in it."""

    @property
    def command(self) -> str:
        """What to run: only the workflow's own words when it has any, whatever the service says."""
        return self.inputs.migration_command or self.run.command

    @property
    def inherited(self) -> Inherited:
        """What commands get of the job's variables."""
        return environment.inherited(self.job.environ, self.inputs.names)

    def traces(self, environment: str) -> bool:
        """Whether the command on that environment's database is traced.

        The template's never is: it repeats what was traced on branches.
        """
        if self.run.trace is None or environment == "template":
            return False
        wanted = self.run.trace if self.inputs.trace == "auto" else self.inputs.trace
        return wanted == "all" or (wanted == "branches" and environment != "production")

    def wants_sizes(self, environment: str) -> bool:
        """Whether the sizes of that environment's tables are to be reported, with which traces of
        branches say what their locks would mean.
        """
        is_used = self.run.trace not in (None, "off")
        return is_used and environment == "production"

    def changed_files(self) -> Sequence[changed.File]:
        """Read the SQL files that the commit changed, as far as they are had.

        Whatever goes wrong is nobody's failure: then there are none.
        """
        root = self.job.environ.get("GITHUB_WORKSPACE")
        if not root or self.interruption.is_set:
            return ()
        try:
            changes = self.service.changes(self.run)
        except ActionError:
            return ()
        return list(changed.read(Path(root), changes))

    @property
    def seed_command(self) -> str:
        """What to run on a new database once it is migrated, by the same rule."""
        return self.inputs.seed_command or self.run.seed_command

"""What people press on the App's check runs."""

from demo.github import payloads
from demo.github.control.base import Control
from demo.github.model import Account, CheckRun, Repository


class CheckControl(Control):
    """Check runs as people see them."""

    def check_runs(self, repository: Repository, sha: str | None = None) -> list[CheckRun]:
        """The App's check runs of a repository, or of one commit, oldest first."""
        with self.context.state.lock:
            return [
                record
                for record in self.context.state.check_runs.values()
                if record.repository is repository and sha in (None, record.head_sha)
            ]

    def press_button(self, record: CheckRun, identifier: str, *, user: Account) -> None:
        """Press one of a check run's buttons, which must be there."""
        with self.context.state.lock:
            shown = {action["identifier"] for action in record.actions}
            if identifier not in shown:
                raise ValueError(f"the check run shows {sorted(shown)}, not {identifier}")
            self._announce(
                "check_run",
                record.repository,
                sender=user,
                action="requested_action",
                check_run=payloads.check_run(self.context, record),
                requested_action={"identifier": identifier},
            )

    def rerequest(self, record: CheckRun, *, user: Account) -> None:
        """Press GitHub's own "Re-run" of one check run."""
        with self.context.state.lock:
            shown = payloads.check_run(self.context, record)
            self._announce(
                "check_run",
                record.repository,
                sender=user,
                action="rerequested",
                check_run=shown,
            )

    def rerequest_suite(self, record: CheckRun, *, user: Account) -> None:
        """Press "Re-run all checks"; any check run of the suite names it."""
        with self.context.state.lock:
            self._announce(
                "check_suite",
                record.repository,
                sender=user,
                action="rerequested",
                check_suite=payloads.check_suite(self.context, record),
            )

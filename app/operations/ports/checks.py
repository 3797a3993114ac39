"""What operations ask of the state database about check runs.

Each method is one transaction. Those that take `then` queue these jobs in it.
"""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from app.core.checks import Check, CheckContent
from app.core.identifiers import (
    AppId,
    BranchName,
    CheckId,
    CheckRunId,
    CommitSha,
    DatabaseId,
    InstallationId,
    RepositoryId,
    RunId,
)


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

    def failed_commit(self, database_id: DatabaseId, *, name: str) -> CommitSha | None:
        """The commit on which a check of this name last said that the database failed."""

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

        Each branch has its say there, that of the database or else of the run; the worst counts.
        With `keep_existing` a check that somebody wanted before stays as it is. Wanting the same
        content again queues nothing.
        """

    def end_votes(
        self,
        repository_id: RepositoryId,
        heads: Mapping[BranchName, CommitSha],
        *,
        only: Sequence[BranchName] | None = None,
        before: datetime,
    ) -> None:
        """Let no branch count on a commit that is not its head, and queue the posting of what
        the others say there.

        Args:
            heads: The live branches; what belongs to no branch is called "".
            only: Of these branches; default: of all.
            before: When `heads` was read: what was said later counts.
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

    def exclusively(self, check_id: CheckId) -> AbstractContextManager[None]:
        """Hold the check's lock: a second worker waits, also one that was thought dead.

        Ends with the session. Raises TransientError after 20 seconds of waiting.
        """

    def forget(self, *, before: datetime, most: int) -> None:
        """Delete checks that last changed earlier, so many at once; at GitHub they stay."""

    def take_write(self, installation_id: InstallationId, *, kind: str) -> int:
        """Count one write to GitHub against the installation's budget.

        Returns 0 when it may be made now, else the seconds to wait (and counts nothing).
        """

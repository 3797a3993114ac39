"""What operations ask of the state database about GitHub: what was heard of it last.

Each method is one transaction. Those that take `then` queue these jobs in it.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.core.events import Event
from app.core.identifiers import (
    BranchName,
    InstallationId,
    PullRequestNumber,
    RepositoryId,
)
from app.core.intents import Intent
from app.core.repositories import InstallationState, PullRequest, Repository


class Repositories(Protocol):
    """Repositories and pull requests as last heard of."""

    def get(self, repository_id: RepositoryId) -> Repository | None: ...

    def known(self, repository_ids: Collection[RepositoryId]) -> Mapping[RepositoryId, Repository]:
        """Those that were heard of, read together."""

    def named(self, full_name: str) -> Repository | None: ...

    def save(self, repository: Repository, *, then: Sequence[Intent] = ()) -> None: ...

    def was_seen_by_another_app(self, repository_id: RepositoryId) -> bool:
        """Whether it was saved when the service had the credentials of another GitHub App."""

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

"""What the service stands on beside its ports: looked at by `doctor` and by nothing else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from app.core.github_app import GitHubApp
from app.core.instances import Address


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration:
    """A GitHub App as GitHub knows it."""

    slug: str
    url: str
    permissions: Mapping[str, str]
    events: frozenset[str]
    webhook_url: str | None
    """None: GitHub does not say."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Restarts:
    """A part of `serve` that ended without being asked to, and was started again."""

    what: str
    count: int
    """Since `serve` runs."""
    recent: int
    """In the last ten minutes, a hundred at most."""


@dataclass(frozen=True, slots=True, kw_only=True)
class FreeSpace:
    """Of the disk that the data directory is on."""

    folder: str
    free_bytes: int
    total_bytes: int


class Surroundings(Protocol):
    """Looks; changes nothing."""

    def state_version(self) -> str:
        """Which PostgreSQL holds the state."""

    def restarts(self) -> Sequence[Restarts]:
        """Nothing where no `serve` runs: other supervisors keep their own books."""

    def registration(self, app: GitHubApp) -> Registration:
        """Raises CoppiceError when GitHub refuses or is away."""

    def signing_keys(self) -> int:
        """How many keys the OIDC issuer publishes. Raises CoppiceError when it does not answer."""

    def free_space(self) -> FreeSpace: ...

    def servers(self) -> Sequence[str]:
        """Names of the servers in this machine's data directory."""

    def reaches(self, address: Address) -> bool:
        """Whether a connection to the address opens from this machine."""

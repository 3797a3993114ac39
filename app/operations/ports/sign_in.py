"""What operations ask about the App that the service is, and about people who come in."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Protocol

from app.core.github_app import GitHubApp


class AppRegistration(Protocol):
    """The App of the settings, or else the one that was made from the set-up page."""

    def current(self, *, is_fresh: bool = False) -> GitHubApp | None:
        """None: there is none yet. What another process stored shows after a moment, or at once
        when asked for fresh. Raises StateUnavailable when that cannot be told."""

    def app_id(self) -> int | None:
        """GitHub's id of the current App."""

    @property
    def is_from_settings(self) -> bool: ...

    def store(self, app: GitHubApp) -> None:
        """Keep it, encrypted. Raises Conflict when there is an App already."""

    def forget(self) -> None:
        """Be no App any more, until another one is made. Raises Conflict for the settings' one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """A person as GitHub knows them."""

    id: int
    login: str
    name: str
    teams: tuple[str, ...] = ()
    """Of the teams that were asked about, those that the person is an active member of."""


class GitHubAccounts(Protocol):
    """Questions to GitHub that need no App, or a person's own token."""

    def account(self, token: str, *, teams: Collection[str]) -> Account:
        """Whose token it is. Raises GitHubUnavailable, GitHubRefused."""

    def created_app(self, code: str) -> GitHubApp | None:
        """The App that GitHub made from a manifest; works once for each code.

        None for a code that is wrong, used or too old. Raises GitHubUnavailable.
        """

    def close(self) -> None:
        """Close idle connections."""

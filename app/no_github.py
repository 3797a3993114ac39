"""What stands in for GitHub while no GitHub App is configured."""

from collections.abc import Callable
from typing import NoReturn

from app.core.errors import GitHubUnavailable


class GitHubNotConfigured(GitHubUnavailable):
    """Nobody has made the GitHub App yet, and the settings name none."""

    code = "github_not_configured"

    def __init__(self, public_url: str) -> None:
        super().__init__("No GitHub App is connected.")
        self.advice = (
            f"An operator connects one at {public_url}/setup (`coppice login-link` lets you in);"
            " README.md says how to do without that page."
        )


class NoGitHub:
    """The `GitHub` port whose every method raises GitHubNotConfigured."""

    def __init__(self, public_url: str) -> None:
        self._public_url = public_url

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        def refuse(*_arguments: object, **_options: object) -> NoReturn:
            raise GitHubNotConfigured(self._public_url)

        return refuse

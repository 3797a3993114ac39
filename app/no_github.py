"""What stands in for GitHub while no GitHub App is configured."""

from collections.abc import Callable
from typing import NoReturn

from app.core.errors import GitHubUnavailable


class GitHubNotConfigured(GitHubUnavailable):
    """Nobody has made the GitHub App yet, and the settings name none."""

    code = "github_not_configured"
    advice = (
        "An operator makes it on the page /setup of the dashboard; README.md says how to do without"
        " that page."
    )

    def __init__(self) -> None:
        super().__init__("No GitHub App is connected.")


class NoGitHub:
    """The `GitHub` port whose every method raises GitHubNotConfigured."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        def refuse(*_arguments: object, **_options: object) -> NoReturn:
            raise GitHubNotConfigured

        return refuse

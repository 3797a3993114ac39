"""What stands in for GitHub while no GitHub App is configured."""

from collections.abc import Callable
from typing import NoReturn

from app.core.errors import GitHubUnavailable


class GitHubNotConfigured(GitHubUnavailable):
    """The settings of the GitHub App are missing."""

    code = "github_not_configured"
    advice = (
        "Set COPPICE_GITHUB_APP_ID, COPPICE_GITHUB_PRIVATE_KEY_FILE and"
        " COPPICE_GITHUB_WEBHOOK_SECRETS; README.md says how to make the App."
    )

    def __init__(self) -> None:
        super().__init__("No GitHub App is configured.")


class NoGitHub:
    """The `GitHub` port whose every method raises GitHubNotConfigured."""

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        def refuse(*_arguments: object, **_options: object) -> NoReturn:
            raise GitHubNotConfigured

        return refuse

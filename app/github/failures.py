"""What GitHub's failing answers mean to us."""

from collections.abc import Mapping
from datetime import UTC, datetime

from github import GithubException

from app.core.errors import CoppiceError, Forbidden, GitHubUnavailable

_LONGEST_REASON = 200


class GitHubRefused(CoppiceError):
    """GitHub understood the request and said no; trying again changes nothing."""

    code = "github_refused"
    http_status = 502
    advice = "Look at the permissions of the GitHub App and of its installation."

    def __init__(self, status: int, reason: str) -> None:
        """`reason` is GitHub's own message."""
        self.status = status
        self.reason = _readable(reason)
        super().__init__(f"GitHub answered {status}: {self.reason}")


class GitHubHasNot(GitHubRefused):
    """404: not there, or not to be seen with this token."""

    code = "github_has_not"


class TokenNotGranted(GitHubRefused):
    """The App may not have a token of this scope: its installation lacks a permission."""


class RepositoryNotGranted(TokenNotGranted):
    """The App may not have a token for this repository: its installation sees it no more."""

    code = "not_installed"
    http_status = 403
    advice = "Install the App for the repository: on the App's page, Install (App), and choose it."


class TokenRefused(GitHubUnavailable):
    """401: the token was revoked or has expired; a new one may do."""

    advice = (
        "If it goes on: check COPPICE_GITHUB_APP_ID, the App's private key and the service's clock."
    )


def failure_of(error: GithubException) -> CoppiceError:
    """Our exception for an answer with a status of 400 or more."""
    status, headers = error.status, error.headers or {}
    message = _message_of(error)
    if status == 401:
        return TokenRefused("GitHub did not accept the service's credentials.")
    if status == 404:
        return GitHubHasNot(status, message)
    if status >= 500 or is_limit(status, headers, message):
        return GitHubUnavailable(
            f"GitHub answered {status}: {_readable(message)}",
            retry_after_seconds=retry_after_seconds(headers, now=datetime.now(UTC)),
        )
    if status == 403 and "suspended" in message.lower():
        return suspended()
    return GitHubRefused(status, message)


def suspended() -> Forbidden:
    return Forbidden(
        "The installation of the GitHub App is suspended.",
        advice="An owner of the account can unsuspend it in GitHub's settings.",
        code="installation_suspended",
    )


def is_limit(status: int, headers: Mapping[str, str], message: str) -> bool:
    """Whether an answer is one of GitHub's rate limits.

    https://docs.github.com/en/rest/using-the-rest-api/rate-limits-for-the-rest-api
    """
    if status == 429:
        return True
    is_spent = headers.get("x-ratelimit-remaining") == "0"
    return status == 403 and (
        "retry-after" in headers or is_spent or "rate limit" in message.lower()
    )


def retry_after_seconds(headers: Mapping[str, str], *, now: datetime) -> float | None:
    """How long GitHub asks to wait, at least one second; None when it says nothing."""
    wait = headers.get("retry-after", "")
    if wait.isascii() and wait.isdigit():
        return max(1.0, float(wait))
    reset = headers.get("x-ratelimit-reset", "")
    if headers.get("x-ratelimit-remaining") == "0" and reset.isascii() and reset.isdigit():
        return max(1.0, float(reset) - now.timestamp())
    return None


def _message_of(error: GithubException) -> str:
    """GitHub's own words; PyGithub keeps them out of `error.message` for the usual cases."""
    message = error.data.get("message") if isinstance(error.data, dict) else None
    return message if isinstance(message, str) else "no message"


def _readable(text: str) -> str:
    """One printable line of it: this is shown to people."""
    line = "".join(letter if letter.isprintable() else " " for letter in text)
    return line[:_LONGEST_REASON]

"""The GitHub App that the service is: its secrets, its rights with reasons, its manifest.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from app.core.addresses import is_loopback
from app.core.pages import means_this_machine

READ, WRITE = "read", "write"
WEBHOOK_PATH = "/webhooks/github"
CALLBACK_PATH = "/login/callback"
CREATED_PATH = "/setup/created"
_LONGEST_NAME = 34
"""GitHub's own limit for the name of an App."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GitHubApp:
    """How the service proves to GitHub that it is the App, and how GitHub proves itself."""

    app_id: int
    private_key: str = field(repr=False)
    """RSA, in PEM."""
    webhook_secrets: tuple[str, ...] = field(repr=False)
    client_id: str = ""
    """Of the OAuth client by which people log in; empty: nobody can."""
    client_secret: str = field(default="", repr=False)
    url: str = ""
    """The App's page at GitHub; empty for one of the settings, which do not tell."""

    @property
    def can_log_in(self) -> bool:
        return bool(self.client_id and self.client_secret)


@dataclass(frozen=True, slots=True, kw_only=True)
class Right:
    """A permission of the App, or an event that it hears of, and what for."""

    name: str
    why: str
    level: str = ""
    """Of a permission: `read` or `write`."""


PERMISSIONS = (
    Right(name="metadata", level=READ, why="Which repositories there are, and who may do what."),
    Right(name="contents", level=READ, why="Branches, and which commit descends from which."),
    Right(name="checks", level=WRITE, why="The check runs that show databases and migrations."),
    Right(name="actions", level=WRITE, why="Which workflow run asks for a database; Re-run."),
    Right(
        name="pull_requests",
        level=WRITE,
        why="Which heads get a database; the comment with a pull request's databases.",
    ),
    Right(name="issues", level=READ, why="Commands in comments of pull requests."),
    Right(name="merge_queues", level=READ, why="Answers that a merge queue waits for."),
)
# https://docs.github.com/en/rest/authentication/permissions-required-for-github-apps#organization-permissions-for-members
MEMBERS = Right(
    name="members", level=READ, why="Whether somebody is in a team of COPPICE_OPERATORS."
)
"""Asked for only where an operators' team is configured."""

EVENTS = (
    Right(name="create", why="A new branch gets a database."),
    Right(name="delete", why="The database of a deleted branch is closed, and dropped later."),
    Right(name="push", why="A branch's database is there before its workflow needs it."),
    Right(name="pull_request", why="The head of a pull request gets a check and a comment."),
    Right(name="issue_comment", why="Commands such as /db reset."),
    Right(name="merge_group", why="A merge queue gets its required checks."),
    Right(name="check_run", why="The buttons Fix and Re-run."),
    Right(name="check_suite", why="Re-run of all checks."),
    Right(name="workflow_run", why="A run has ended: its logins end too."),
    Right(name="workflow_job", why="A job has ended: its logins end too."),
    Right(name="repository", why="A repository was renamed, transferred, archived or deleted."),
)
"""GitHub sends `installation` and `installation_repositories` to every App unasked."""


def permissions_for(operators: Collection[str]) -> tuple[Right, ...]:
    """The least that the service needs when these are its operators."""
    has_teams = any("/" in operator for operator in operators)
    return (*PERMISSIONS, MEMBERS) if has_teams else PERMISSIONS


def manifest(
    public_url: str, *, operators: Collection[str], is_public: bool = False
) -> dict[str, Any]:
    """What GitHub is asked to make.

    Args:
        public_url: Where people and GitHub reach the service.
        operators: Logins and teams; a team takes a permission more.
        is_public: Anybody can install the App, and log in with it; else its owner's account alone.
    """
    host = urlsplit(public_url).hostname or ""
    return {
        "name": f"Coppice {host}"[:_LONGEST_NAME].rstrip("-. "),
        "url": public_url,
        "description": "A PostgreSQL database for every git branch.",
        "public": is_public,
        "hook_attributes": {"url": public_url + WEBHOOK_PATH, "active": True},
        "redirect_url": public_url + CREATED_PATH,
        "callback_urls": [public_url + CALLBACK_PATH],
        "setup_url": public_url + "/setup",
        "default_permissions": {right.name: right.level for right in permissions_for(operators)},
        "default_events": [right.name for right in EVENTS],
    }


def way_to_connect(public_url: str) -> str:
    """What an operator does while no GitHub App is connected, for who reads it at a terminal."""
    return f"Open {public_url}/setup as an operator; `coppice login-link` lets you in."


WAY_INTO_REACH = "Set COPPICE_PUBLIC_URL to an https address at which GitHub reaches the service."
"""What helps where `why_out_of_reach` says something."""


def why_out_of_reach(public_url: str, *, github_url: str) -> str | None:
    """Why GitHub cannot deliver events to this address, or people should not log in there.

    None: nothing speaks against it. A GitHub on this machine, as in a demonstration, reaches it.
    """
    if is_loopback(urlsplit(github_url).hostname or ""):
        return None
    if means_this_machine(public_url):
        return f"{public_url} means this machine itself: GitHub cannot reach it."
    if urlsplit(public_url).scheme != "https":
        return f"{public_url} is not https: secrets would travel unprotected."
    return None

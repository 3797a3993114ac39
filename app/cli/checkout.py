"""What the checkout that a command is run in says: its repository at GitHub, and its branch."""

import re
import subprocess

from app.core.errors import Invalid

HERE = "."
"""In place of a branch: the one that is checked out. No branch of git's is called so."""

# https://git-scm.com/docs/git-clone#_git_urls
_REMOTE = re.compile(r"[/:](?P<name>[\w.-]+/[\w.-]+?)(?:\.git)?/?$", re.ASCII)


def repository(given: str | None) -> str:
    """What was given, or else the `OWNER/REPO` that the checkout was cloned from.

    Raises Invalid where nothing says which.
    """
    if given is not None:
        return given
    found = _REMOTE.search(_git("remote", "get-url", "origin"))
    if found is None:
        raise Invalid(
            "Nothing says which repository is meant.",
            advice="Name it, as OWNER/REPO; in a checkout of a repository of GitHub it can be left"
            " out.",
        )
    return found["name"]


def branch(given: str | None) -> str | None:
    """The branch that was given; `.` is the one that is checked out. Raises Invalid."""
    if given != HERE:
        return given
    found = current_branch()
    if found is None:
        raise Invalid("No branch is checked out here.", advice="Name it: --branch BRANCH")
    return found


def current_branch() -> str | None:
    """The branch that is checked out; None: none is, as in no checkout."""
    return _git("branch", "--show-current") or None


def _git(*words: str) -> str:
    """What git answers on one line; nothing where it refuses, or is not installed."""
    try:
        answer = subprocess.run(  # noqa: S603 - no word of it is anybody's but ours
            ["git", *words],  # noqa: S607 - as the person's shell finds it
            capture_output=True,
            check=False,
            text=True,
            errors="replace",
            timeout=10,
        )
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return answer.stdout.strip() if answer.returncode == 0 else ""

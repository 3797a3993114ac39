"""Which app and which database a person means: by the checkout, looked up at the service."""

import re
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.cli.client import Client
from app.core.addresses import check_instance_name
from app.core.environments import Environment
from app.core.errors import Invalid, NotFound


@dataclass(frozen=True, slots=True, kw_only=True)
class Which:
    """A database as people name it: of a repository or app, or by its own name."""

    name: str
    branch: str | None = None
    environment: Environment | None = None
    app_id: str | None = None

    @property
    def is_of_repository(self) -> bool:
        return "/" in self.name


def find_app(client: Client, name: str, *, app_id: str | None = None) -> dict[str, Any]:
    """The app of `OWNER/REPO`, or one by its id.

    Raises NotFound, or Invalid when the repository has several apps and none is named.
    """
    if "/" not in name:
        for app in client.get("/apps")["items"]:
            if app["id"] == name:
                return dict(app)
        raise NotFound(
            f"{name!r} is neither an app id nor a repository, which is written OWNER/REPO.",
            advice="The list of apps shows what is assigned (`coppice apps list`).",
        )
    found = client.get("/apps", repository=name)["items"]
    if not found:
        raise _not_assigned(client, name)
    names = ", ".join(one["id"] for one in found)
    if app_id is not None:
        found = [one for one in found if one["id"] == app_id]
        if not found:
            raise NotFound(f"{name} has no app {app_id!r}.", advice=f"Its apps are: {names}.")
    if len(found) > 1:
        raise Invalid(
            f"{name} has several apps: {names}.", advice="Say which app id is meant (--app-id)."
        )
    return dict(found[0])


def find_database(client: Client, which: Which) -> dict[str, Any]:
    """All that the service shows of a database. Raises NotFound, Invalid."""
    if which.is_of_repository:
        # First whether there is such a repository: no --branch helps with one that is misspelt.
        app = find_app(client, which.name, app_id=which.app_id)
        if which.branch is None and which.environment is None:
            raise Invalid(
                f"Say which database of {which.name}.",
                advice="Add --branch NAME or --environment NAME.",
            )
        found = database_of(client, app, which)
    else:
        found = next(client.items("/databases", name=which.name), None)
        if found is None:
            raise NotFound(
                f"There is no database named {which.name}.",
                advice="`coppice databases list` shows all; a repository is written OWNER/REPO.",
            )
    if found is None:
        raise no_database(which)
    return client.get(f"/databases/{found['id']}")


def database_of(client: Client, app: Mapping[str, Any], which: Which) -> dict[str, Any] | None:
    """The database of an app that is meant; `dev` where nothing says which."""
    environment = which.environment
    if which.branch is not None:
        if environment not in (None, Environment.BRANCH):
            raise Invalid("A branch and another environment exclude each other.")
        if which.branch == app["default_branch"]:
            raise Invalid(
                f"{which.branch} is the default branch: its database is production.",
                advice="Use that one (--environment production) if it is what you mean.",
            )
        environment = Environment.BRANCH
    elif environment is Environment.BRANCH:
        raise Invalid("Say which branch.", advice="Name the branch (--branch NAME).")
    found = client.items(
        "/databases",
        app=app["id"],
        environment=environment or Environment.DEV,
        branch=which.branch,
    )
    return next((one for one in found if one["is_live"]), None)


def no_database(which: Which) -> NotFound:
    what = f"the branch {which.branch}" if which.branch else which.environment
    return NotFound(
        f"{which.name} has no database for {what}.",
        advice="Push to the branch, or have it made (`coppice databases create`).",
    )


def instance_path(name: str) -> str:
    """Where the API has an instance. Raises NotFound for what is no name of one."""
    try:
        check_instance_name(name)
    except Invalid:
        raise NotFound(
            f"There is no instance named {name}.",
            advice="The list of instances shows all (`coppice instances list`).",
        ) from None
    return f"/instances/{name}"


def databases_on(client: Client, instance: str) -> list[dict[str, Any]]:
    """The databases of an instance, the deleted ones too."""
    return [one for one in client.items("/databases") if one["instance"] == instance]


def _not_assigned(client: Client, name: str) -> NotFound:
    seen = " that you can see" if client.is_elsewhere else ""
    return NotFound(
        f"The repository {name} is not assigned to an instance{seen}.",
        advice="The list of apps shows what is assigned (`coppice apps list`)."
        f" Assign it (coppice apps assign {name} INSTANCE).",
    )


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

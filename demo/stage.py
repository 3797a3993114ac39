"""Everything the story plays on: a local GitHub, the real service, the real `act` runner."""

import json
import shlex
import shutil
import tempfile
import time
import urllib.request
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Self, TypeVar

import psycopg

from demo import interruption
from demo.github.model import CheckRun, Repository
from demo.github.server import LocalGitHub
from demo.runner import Outcome, copy_action
from demo.service import Service
from demo.workflows import Workflows

T = TypeVar("T")
_WAIT_SECONDS = 60
OPERATOR = "mona"
PEOPLE = {OPERATOR: "admin", "wendy": "write", "rita": "read"}
"""Whom visitors may be, with what they have on the repository."""


class Stage:
    """A service with a data directory of its own, and one GitHub for it. A context manager."""

    def __init__(self) -> None:
        self.folder = Path(tempfile.mkdtemp(prefix="coppice-demo-"))
        # As root, PostgreSQL runs as an account of its own, which must be able to pass through.
        self.folder.chmod(0o711)
        self.github = LocalGitHub()
        self.service = Service(
            self.folder,
            settings={
                "COPPICE_GITHUB_URL": self.github.url,
                "COPPICE_GITHUB_API_URL": self.github.api_url,
                "COPPICE_OIDC_ISSUER": self.github.oidc_issuer,
                "COPPICE_GITHUB_APP_ID": str(self.github.app_id),
                "COPPICE_GITHUB_PRIVATE_KEY": self.github.private_key,
                "COPPICE_GITHUB_WEBHOOK_SECRETS": self.github.webhook_secret,
                "COPPICE_GITHUB_CLIENT_ID": self.github.client_id,
                "COPPICE_GITHUB_CLIENT_SECRET": self.github.client_secret,
                "COPPICE_OPERATORS": OPERATOR,
            },
        )
        self._action = self.folder / "action"
        self._workflows = Workflows(self.github, self.folder, action=self._action)
        self._ends = ExitStack()
        self._urls: dict[tuple[str, ...], str] = {}

    def __enter__(self) -> Self:
        with ExitStack() as stack:
            stack.callback(shutil.rmtree, self.folder, ignore_errors=True)
            stack.enter_context(self.github)
            self.service.start()
            stack.callback(self.service.stop)
            self.github.allow_callback(f"{self.service.url}/login/callback")
            self.github.webhook_url = f"{self.service.url}/webhooks/github"
            copy_action(self._action)
            self._ends = stack.pop_all()
        return self

    def __exit__(self, *_: object) -> None:
        self._ends.close()

    def wait(self) -> None:
        """Run workflows until the person at the terminal has had enough, which raises Interrupted.

        Returns only when the service has ended by itself.
        """
        while self.service.is_running():
            self._workflows.follow()
            interruption.pause(0.2)

    def write_settings(self) -> Path:
        """Write the service's settings for a shell to `source`, readable by this account only."""
        # A log-in there is kept apart from those that this person has.
        settings = {**self.service.settings, "XDG_CONFIG_HOME": str(self.folder / "config")}
        file = self.folder / "settings.sh"
        file.touch(mode=0o600)
        file.write_text(
            "".join(f"export {name}={shlex.quote(value)}\n" for name, value in settings.items())
        )
        return file

    def coppice(self, *arguments: str) -> str:
        """A command of the command line, as an operator types it. Raises Interrupted after it."""
        said = self.service.coppice(*arguments)
        interruption.check()
        return said

    def databases(self, repository: Repository) -> list[dict[str, Any]]:
        """What `coppice databases list` knows."""
        listed: list[dict[str, Any]] = json.loads(
            self.coppice("databases", "list", repository.full_name, "--json")
        )
        return listed

    def page(self, path: str) -> str:
        """A page of the dashboard, as an operator is shown it."""
        token = Path(self.service.settings["COPPICE_DATA_DIR"], "admin-token").read_text().strip()
        headers = {"Authorization": f"Bearer {token}", "Accept": "text/html"}
        request = urllib.request.Request(self.service.url + path, headers=headers)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text: str = answer.read().decode()
        return text

    def tables(self, repository: Repository, *which: str) -> list[str]:
        """Tables of a database, read with the credentials that `coppice env` gives."""
        with psycopg.connect(self.url(repository, *which)) as connection:
            rows = connection.execute(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY 1"
            )
            return [name for (name,) in rows]

    def url(self, repository: Repository, *which: str) -> str:
        """The connection string of a database; it stays the same, and is asked for once."""
        asked = (repository.full_name, *which)
        if asked not in self._urls:
            answer = json.loads(self.coppice("env", *asked, "--format", "json"))
            self._urls[asked] = answer["DATABASE_URL"]
        return self._urls[asked]

    def workflow(self) -> Outcome:
        """Run the workflow that the last push asks for, and no other."""
        [outcome] = self._workflows.follow()
        return outcome

    def checks(self, repository: Repository, sha: str, names: set[str]) -> Mapping[str, CheckRun]:
        """The completed check runs of these names on a commit, once they all stand there."""

        def completed() -> dict[str, CheckRun] | None:
            found = {
                check.name: check
                for check in self.github.check_runs(repository, sha)
                if check.status == "completed"
            }
            return found if names <= set(found) else None

        return wait_for(completed, what=f"check runs {', '.join(sorted(names))}")


def wait_for(look: Callable[[], T | None], *, what: str) -> T:
    """Look again and again until there is something.

    Raises TimeoutError after a minute, and Interrupted.
    """
    deadline = time.monotonic() + _WAIT_SECONDS
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise TimeoutError(f"There is still no {what}.")
        interruption.pause(0.05)
    return found


def is_refused(url: str) -> bool:
    """Whether a login is refused."""
    try:
        psycopg.connect(url).close()
    except psycopg.OperationalError:
        return True
    return False

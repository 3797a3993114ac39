"""The Action's way through the API, with real tokens, as a job of GitHub's goes it."""

import time
import uuid
from dataclasses import dataclass, field
from typing import Any

import requests

from chaos.ledger import Place
from chaos.site import Site
from demo import interruption
from demo.github.model import WorkflowRun

_PATIENCE_SECONDS = 20.0
# Once the time is over, for what is under way.
_LAST_SECONDS = 5.0


class Over(Exception):
    """The job ends here; the text says why, for the counts."""


@dataclass(kw_only=True)
class Job:
    """One job that runs the Action."""

    site: Site
    app: str
    run: WorkflowRun
    is_default: bool
    """On the default branch."""
    fate: str
    """How it will end; see `jobs.FATES`."""
    migrates: bool
    """Otherwise it only asks for credentials."""
    exports: bool
    """Its login outlives it, for later steps."""
    environments: list[str] = field(default_factory=list)
    """Which databases it asks for; empty: all that its revision reaches."""
    step: str = field(default_factory=lambda: uuid.uuid4().hex)
    id: int = 0
    """The service's number of the run."""

    @property
    def branch(self) -> str:
        return self.run.head_branch

    def place(self, environment: str) -> Place:
        """Which database it means, by what GitHub says about the run."""
        branch = self.branch if environment == "branch" else ""
        return Place(app=self.app, environment=environment, branch=branch)

    def begin(self) -> list[str]:
        """Which databases it gets, in order. Raises Over."""
        answer = self._call(
            "",
            {
                "app": self.app,
                "environments": self.environments,
                "migrate": self.migrates,
                "export_env": self.exports,
                "migration_command": "true",
                "job": "migrate",
                "step": self.step,
            },
        )
        if answer.status_code != 200:
            raise Over(f"not begun, {_refusal(answer)}")
        told = answer.json()
        if told["result"] != "run":
            raise Over(f"skipped, {told['reason']}")
        self.id = told["run"]
        return [each["environment"] for each in told["databases"]]

    def turn(self, environment: str) -> dict[str, str] | None:
        """Ask until the database is ours; None when there is nothing to do on it. Raises Over."""
        deadline = _deadline(self.site)
        while True:
            answer = self._call(f"/{self.id}/databases/{environment}", {})
            told = answer.json()
            if answer.status_code == 200 and told["result"] == "go":
                variables: dict[str, str] = told["variables"]
                self.site.ledger.handed_out(variables)
                return variables
            if answer.status_code == 200:
                return None
            if answer.status_code != 409:
                raise Over(f"refused, {_refusal(answer)}")
            if time.monotonic() > deadline:
                raise Over(f"waited in vain, {told.get('error')}")
            interruption.pause(min(float(told.get("retry_after") or 1), 2))

    def report(self, environment: str, *, is_good: bool) -> bool:
        """Say how it ended; whether the service wants it done once more. Raises Over."""
        body = {
            "result": "success" if is_good else "failure",
            "exit_code": 0 if is_good else 1,
            "duration_seconds": 0.1,
            "log": "written" if is_good else "not written",
        }
        since = time.time()
        path = f"/{self.id}/databases/{environment}"
        self._call(f"{path}/renew", {})
        if not is_good and environment == "preview" and self.is_default:
            # Leads to an empty preview, whether the answer comes or not.
            place = self.place(environment)
            self.site.ledger.note("preview failed", place=place, since=since, is_open=True)
        answer = self._call(f"{path}/result", body)
        if answer.status_code != 200:
            raise Over(f"report refused, {_refusal(answer)}")
        told = answer.json()
        if told["fails"]:
            raise Over("failed")
        self.fate = "well"
        return bool(told["next"] == "again")

    def _call(self, path: str, body: dict[str, Any]) -> requests.Response:
        """A request of the Action, repeated while the service does not answer it."""
        deadline, path = _deadline(self.site), f"/api/v1/runs{path}"
        while True:
            token = self.site.github.token_for(self.run, audience=self.site.url)
            headers = {"Authorization": f"Bearer {token}", "User-Agent": "coppice-action"}
            try:
                answer = requests.post(self.site.url + path, json=body, headers=headers, timeout=20)
                self.site.judge("POST", path, answer)
                if answer.status_code < 500:
                    return answer
            except requests.RequestException:
                pass
            if time.monotonic() > deadline:
                raise Over("no answer")
            interruption.pause(0.5)


def _deadline(site: Site) -> float:
    return min(time.monotonic() + _PATIENCE_SECONDS, site.until + _LAST_SECONDS)


def _refusal(answer: requests.Response) -> str:
    return f"{answer.status_code} {answer.json().get('error')}"

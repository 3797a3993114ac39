"""A repository with an app, as its people see it: they push, and look at what happened."""

import itertools
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, TypeVar

import psycopg

from app.bootstrap import state_server
from app.config import Config
from app.postgres.sessions import admin_login, dsn
from demo.github import payloads
from demo.github.control.actions import RunOptions
from demo.github.model import CheckRun, PullRequest, Repository, WorkflowRun
from demo.github.server import LocalGitHub
from demo.runner import Job, Outcome, Runner, check_out
from demo.service import Service
from tests.end_to_end import workflows

Files = Mapping[str, str]
T = TypeVar("T")
_WAIT_SECONDS = 60


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """What is there before anybody pushes."""

    github: LocalGitHub
    service: Service
    runner: Runner
    folder: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What a project's workflow does; `{url}` in an input becomes the service's address."""

    files: Files = field(default_factory=dict)
    command: str = ""
    inputs: Mapping[str, str] = field(default_factory=dict)
    build: str = ""
    later: str = ""
    environ: Mapping[str, str] = field(default_factory=dict)
    """What the runner's machine has."""
    private: bool = True


class Project:
    """One repository of acme; everything that happens in it goes through GitHub."""

    def __init__(self, site: Site, repository: Repository, plan: Plan, *, told: str) -> None:
        self.site = site
        self.repository = repository
        self.told = told
        """What `coppice apps assign` printed."""
        self._plan = plan
        self._checkouts = itertools.count(1)

    @classmethod
    def create(cls, site: Site, plan: Plan, *, name: str, instance: str = "local") -> Self:
        """Make the repository, with its workflow on the default branch, and assign it."""
        inputs = {"service-url": site.service.url, **plan.inputs}
        workflow = workflows.workflow(inputs, build=plan.build, later=plan.later)
        repository = site.github.create_repository(
            f"acme/{name}",
            private=plan.private,
            files={workflows.PATH: workflow, **plan.files},
        )
        command = ("--migration-command", plan.command) if plan.command else ()
        told = site.service.coppice("apps", "assign", repository.full_name, instance, *command)
        return cls(site, repository, plan, told=told)

    def push(self, branch: str, files: Files | None = None) -> "Pushed":
        """Push a commit, and run the workflow that GitHub starts for it."""
        sha = self.site.github.push(self.repository, branch, files=files)
        return self.run(branch, sha=sha)

    def run(self, branch: str, *, sha: str | None = None, event: str = "push") -> "Pushed":
        """Run the workflow for a push of the branch's head, or another event about it."""
        github = self.site.github
        run = github.start_run(
            self.repository,
            event=event,
            branch=branch,
            options=RunOptions(workflow=workflows.PATH),
        )
        outcome = self._execute(run, {"ref": run.ref, "after": run.sha})
        return Pushed(project=self, sha=sha or run.sha, outcome=outcome)

    def run_pull_request(self, pull_request: PullRequest) -> "Pushed":
        """Run the workflow for a pull request, without a token when it comes from a fork."""
        github = self.site.github
        run = github.start_run(
            self.repository,
            event="pull_request",
            pull_request=pull_request,
            options=RunOptions(workflow=workflows.PATH),
        )
        event = payloads.pull_request(github.context, pull_request)
        outcome = self._execute(run, {"action": "opened", **event})
        return Pushed(project=self, sha=pull_request.head_sha, outcome=outcome)

    def credentials(self, *which: str) -> dict[str, str]:
        """What `coppice env` answers for a branch or environment."""
        arguments = (self.repository.full_name, *which, "--format", "json")
        answer: dict[str, str] = json.loads(self.site.service.coppice("env", *arguments))
        return answer

    def tables(self, *which: str) -> set[str]:
        """The tables in schema public of a database, over the credentials that people get."""
        statement = "SELECT tablename FROM pg_catalog.pg_tables WHERE schemaname = 'public'"
        return {name for (name,) in self.query(statement, *which)}

    def query(self, statement: str, *which: str) -> list[tuple[Any, ...]]:
        """Rows of a branch's or environment's database."""
        with psycopg.connect(self.credentials(*which)["DATABASE_URL"]) as connection:
            return connection.execute(statement.encode()).fetchall()

    def coppice(self, group: str, command: str, *arguments: str) -> str:
        """Run a command of `coppice` about this repository."""
        return self.site.service.coppice(group, command, self.repository.full_name, *arguments)

    def databases(self) -> list[dict[str, Any]]:
        """What `coppice databases list` knows of this repository."""
        arguments = (self.repository.full_name, "--json")
        listed: list[dict[str, Any]] = json.loads(
            self.site.service.coppice("databases", "list", *arguments)
        )
        return listed

    def state(self, branch: str) -> str:
        """The state of a branch's newest database."""
        states = [each["state"] for each in self.databases() if each["branch"] == branch]
        return str(states[-1])

    def check(self, name: str, sha: str) -> CheckRun:
        """The completed check run of that name on a commit, once it stands there."""

        def completed() -> CheckRun | None:
            found = [
                check
                for check in self.site.github.check_runs(self.repository, sha)
                if check.name == name and check.status == "completed"
            ]
            return found[-1] if found else None

        return wait_for(completed, what=f"completed check run {name} on {sha}")

    def _execute(self, run: WorkflowRun, event: Mapping[str, Any]) -> Outcome:
        checkout = check_out(
            self.repository.git.path,
            self.site.folder / f"{self.repository.name}-{next(self._checkouts)}",
            sha=run.sha,
            full_name=self.repository.full_name,
        )
        github = self.site.github
        asks = github.runner_environment(run)
        # GitHub gives the jobs of forks no way to ask for a token.
        is_trusted = run.head_repository is self.repository
        job = Job(
            event_name=run.event,
            event={**event, "repository": {"default_branch": self.repository.default_branch}},
            token_url=asks["ACTIONS_ID_TOKEN_REQUEST_URL"] if is_trusted else "",
            token_secret=asks["ACTIONS_ID_TOKEN_REQUEST_TOKEN"],
            environ=self._plan.environ,
        )
        outcome = self.site.runner.run(checkout, job)
        github.complete_run(run, "success" if outcome.succeeded else "failure")
        return outcome


@dataclass(frozen=True, slots=True, kw_only=True)
class Pushed:
    """A commit that was pushed, and how its workflow ended."""

    project: Project
    sha: str
    outcome: Outcome

    @property
    def log(self) -> str:
        return self.outcome.log

    @property
    def results(self) -> dict[str, str]:
        """Environment to result, as the Action's output tells."""
        return {each["environment"]: each["result"] for each in self.outcome.outputs["databases"]}

    @property
    def traced(self) -> tuple[int, dict[str, Any]]:
        """How the branch's migration command ended, and what was seen, as the service keeps it."""
        server = state_server(Config.from_environ(self.project.site.service.environ))
        assert server is not None
        with server.hold(), psycopg.connect(dsn(admin_login(server.start()))) as connection:
            cursor = connection.execute(
                "SELECT exit_code, trace FROM coppice.traces"
                " JOIN coppice.migrations m ON m.id = migration_id"
                " JOIN coppice.runs r ON r.id = run_id"
                " WHERE r.head_sha = %s AND m.environment = 'branch' ORDER BY m.id DESC LIMIT 1",
                [self.sha],
            )
            [(exit_code, trace)] = cursor.fetchall()
        return exit_code, trace

    @property
    def seeds(self) -> dict[str, str | None]:
        """Environment to what became of its seed command; None where it did not run."""
        listed = self.outcome.outputs["databases"]
        return {each["environment"]: each["seed"] and each["seed"]["result"] for each in listed}

    def check(self, name: str) -> CheckRun:
        """The completed check run of that name on this commit, once it stands there."""
        return self.project.check(name, self.sha)


def wait_for(look: Callable[[], T | None], *, what: str) -> T:
    """Look again and again until there is something. Raises AssertionError after a minute."""
    deadline = time.monotonic() + _WAIT_SECONDS
    while (found := look()) is None:
        assert time.monotonic() < deadline, f"still no {what}"
        time.sleep(0.05)
    return found


def wait_until_refused(url: str) -> None:
    """Return once a login is refused."""

    def is_refused() -> bool | None:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            return True
        return None

    wait_for(is_refused, what="refusal")

"""The service as a job of a workflow sees it, and GitHub as its people use it."""

import secrets
from dataclasses import replace
from typing import Any, LiteralString

import psycopg
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from app.core.assignments import Assignment
from app.core.checks import CheckContent
from app.core.databases import Database
from app.core.environments import Environment
from app.core.identifiers import AppId, BranchName
from demo.github.control.actions import RunOptions
from demo.github.model import PullRequest, WorkflowRun
from tests.integration.lifecycle.world import World


class Shop:
    """One repository with one app, its world, and the service's API."""

    def __init__(self, world: World, *, app_id: str) -> None:
        self.world = world
        self.github = world.github
        self.repository = world.repository
        self.services = world.services
        self.app_id = AppId(app_id)
        self.client = world.web.test_client()

    def assign(self) -> None:
        """The app gets its databases of the moment: production and preview."""
        self.world.assign(self.app_id)

    def assign_without_shared(self) -> None:
        """Production and preview are made when they are asked for."""
        self.world.assign_without_shared(self.app_id)

    def set_policies(self, **policies: Any) -> None:
        """Change the assignment's policies."""
        assignment = self.assignment()
        changed = replace(assignment, policies=replace(assignment.policies, **policies))
        self.services.store.apps.edit(changed)

    def assignment(self) -> Assignment:
        assignment = self.services.store.apps.assignment(self.app_id)
        assert assignment is not None
        return assignment

    def set_pooler(self, *, knows_job_logins: bool, port: int | None = None) -> None:
        """Give the instance a pooler, which here is the server itself at another name."""
        instance = self.services.store.instances.named("tenants")
        direct = instance.public_address
        changed = replace(
            instance,
            pooler_address=replace(direct, host="localhost", port=port or direct.port),
            pooler_knows_job_logins=knows_job_logins,
        )
        self.services.store.instances.update(changed)

    def push(self, branch: str) -> str:
        """A commit on a branch; its database is made when there is none."""
        sha = self.github.push(self.repository, branch)
        self.world.settle()
        return sha

    def job(
        self,
        branch: str | None = None,
        *,
        event: str = "push",
        pull_request: PullRequest | None = None,
        options: RunOptions | None = None,
        **claims: Any,
    ) -> "Job":
        """A job of a new workflow run on a branch, by default the default one."""
        run = self.github.start_run(
            self.repository,
            event=event,
            branch=branch,
            pull_request=pull_request,
            options=options,
        )
        return Job(self, run, claims)

    def database(self, environment: str, branch: str | None = None) -> Database:
        """The live database of an environment."""
        found = self.services.store.databases.live(
            self.app_id, Environment(environment), BranchName(branch) if branch else None
        )
        assert found is not None
        return found

    def checks(self, head_sha: str) -> dict[str, CheckContent]:
        """What should stand on a commit, by name."""
        found = self.world.checks(head_sha)
        return {check.content.name: check.content for check in found}

    def audit(self) -> list[dict[str, Any]]:
        return self.state("SELECT action, subject, detail FROM audit ORDER BY id")

    def state(self, statement: LiteralString) -> list[dict[str, Any]]:
        """Rows of the state database."""
        return self.world.state.execute(statement).fetchall()


class Job:
    """One job: it has GitHub's token, and talks as the Action does."""

    def __init__(self, shop: Shop, run: WorkflowRun, claims: dict[str, Any]) -> None:
        self.shop = shop
        self.run = run
        self.claims = {"audience": shop.services.public_url} | claims
        self.step = secrets.token_hex(16)
        self.id = 0

    @property
    def client(self) -> FlaskClient:
        return self.shop.client

    def sibling(self) -> "Job":
        """Another job of the same workflow run and attempt, which knows everything of this one."""
        other = Job(self.shop, self.run, self.claims | {"check_run_id": str(self.run.id + 1)})
        other.step, other.id = self.step, self.id
        return other

    def post(self, path: str, body: dict[str, Any], *, token: str | None = None) -> TestResponse:
        chosen = token or self.shop.github.token_for(self.run, **self.claims)
        headers = {"Authorization": f"Bearer {chosen}"}
        return self.client.post(f"/api/v1/runs{path}", json=body, headers=headers)

    def begin(self, *, token: str | None = None, **body: Any) -> TestResponse:
        """Start the run; further requests are about it."""
        full = {"migration_command": "migrate", "job": "migrate", "step": self.step} | body
        answer = self.post("", full, token=token)
        if answer.status_code == 200 and answer.json and answer.json["result"] == "run":
            self.id = answer.json["run"]
        return answer

    def begun(self, **body: Any) -> "Job":
        answer = self.begin(**body)
        assert answer.status_code == 200, answer.json
        return self

    def ask(self, environment: str, **kwargs: Any) -> TestResponse:
        return self.post(f"/{self.id}/databases/{environment}", {}, **kwargs)

    def renew(self, environment: str) -> TestResponse:
        return self.post(f"/{self.id}/databases/{environment}/renew", {})

    def report(self, environment: str, result: str = "success", **body: Any) -> TestResponse:
        exit_code = {"failure": 1, "timed-out": None}.get(result, 0)
        full = {"result": result, "exit_code": exit_code, "duration_seconds": 1.5, "log": "done\n"}
        return self.post(f"/{self.id}/databases/{environment}/result", full | body)

    def given(self, environment: str) -> dict[str, str]:
        """The variables of a database that is given."""
        answer = self.ask(environment)
        assert answer.status_code == 200, answer.json
        assert answer.json is not None
        assert answer.json["result"] == "go", answer.json
        variables: dict[str, str] = answer.json["variables"]
        return variables

    def migrate(self, environment: str, result: str = "success", **body: Any) -> dict[str, Any]:
        """Ask for a database and report; the answer to the report."""
        self.given(environment)
        answer = self.report(environment, result, **body)
        assert answer.status_code == 200, answer.json
        verdict: dict[str, Any] = answer.json or {}
        return verdict


def query(variables: dict[str, str], statement: str) -> list[tuple[Any, ...]]:
    """Run a statement as the migration command would."""
    with psycopg.connect(variables["DATABASE_URL"]) as connection:
        cursor = connection.execute(statement.encode())
        return cursor.fetchall() if cursor.description else []


def can_log_in(variables: dict[str, str]) -> bool:
    """Whether PostgreSQL still takes the login."""
    try:
        query(variables, "SELECT 1")
    except psycopg.OperationalError:
        return False
    return True


def refusal(answer: TestResponse) -> tuple[int, str]:
    """Status and code of an error answer."""
    assert answer.json is not None
    return answer.status_code, answer.json["error"]

"""People at their desks: each with a token, and what the service answers them."""

import secrets
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import requests

from app.core.assignments import Policies
from app.core.databases import Database
from app.core.environments import Environment
from app.core.identifiers import AppId, BranchName, CommitSha, WorkflowRunId
from app.core.people import OPERATOR, Actor, See
from app.core.runs import (
    CredentialKind,
    Migration,
    MigrationResult,
    Outcome,
    Run,
    Seeding,
    Unfinished,
)
from app.core.traces import Change, Connection, Lock, Risk, Statement, Trace
from app.operations import access
from app.operations.administration import tokens
from app.operations.administration.tokens import TokenRequest
from app.operations.databases import provisioning
from tests.integration import states
from tests.integration.lifecycle.world import World

ROLES = ("none", "read", "triage", "write", "maintain", "admin")

TRACE = Trace(
    changes=(
        Change(
            kind="table",
            name="public.orders",
            text="table public.<orders>: dropped",
            risk=Risk.DATA,
        ),
        Change(kind="index", name="public.i", text="index public.i: added"),
    ),
    statements=(
        Statement(
            sql="ALTER TABLE users ADD <b> int",
            at_ms=20,
            ms=0.5,
            held_ms=1100,
            tag="ALTER TABLE",
            transaction=1,
            locks=(
                Lock(relation="public.users", mode="ACCESS EXCLUSIVE", rows=3, bytes=8192),
                Lock(relation="public.teams", mode="ROW EXCLUSIVE", rows=3, bytes=8192),
            ),
            file="migrations/0002 <i>.sql",
            line=4,
        ),
        Statement(
            sql="CREATE INDEX orders_at ON orders (at)",
            at_ms=40,
            ms=700,
            held_ms=900,
            tag="CREATE INDEX",
            transaction=1,
            locks=(Lock(relation="public.orders", mode="SHARE", rows=9, bytes=8192),),
        ),
        Statement(
            sql="ALTER TABLE orders ALTER id TYPE bigint",
            at_ms=800,
            ms=140,
            held_ms=150,
            rows=9,
            tag="ALTER TABLE",
            transaction=1,
            locks=(
                Lock(relation="public.orders", mode="ACCESS EXCLUSIVE", rows=9, bytes=8192),
                Lock(
                    relation="public.orders_pkey",
                    kind="i",
                    mode="ACCESS EXCLUSIVE",
                    rows=9,
                    bytes=8192,
                ),
            ),
            rewrites=("public.orders",),
        ),
        Statement(sql="INSERT INTO notes", ms=1, held_ms=1, times=30, rows=30, transaction=2),
    ),
    more_statements=2,
    connections=(
        Connection(database="shop", user="shop-job", application="psql", statements=6),
        Connection(database="shop", user="shop-job", application="psql"),
    ),
)
"""What an Action saw: the worst statement is the third, which rewrites."""


class Office:
    """One service with one repository, and people of every permission on it."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.url = (world.github.webhook_url or "").removesuffix("/webhooks/github")
        self.people = {role: self.token(self.actor(role)) for role in (*ROLES, "operator")}

    def actor(self, role: str) -> Actor:
        """Somebody with that permission on the repository, or the operator."""
        if role == "operator":
            return OPERATOR
        user = self.world.github.grant(self.world.repository, f"{role}-person", role)
        return Actor(name=f"github:{user.login}", login=user.login, user_id=user.id)

    def token(self, actor: Actor, *, app_id: AppId | None = None, **wanted: Any) -> str:
        """A token that acts as somebody, or does less."""
        app = access.app(self.world.services, app_id, See) if app_id else None
        services = self.world.services.acting_as(actor, source="192.0.2.7")
        _, secret = tokens.make(services, TokenRequest(name="test", app=app, **wanted))
        return secret

    def ask(
        self,
        method: str,
        path: str,
        token: str | None = None,
        body: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> requests.Response:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return requests.request(
            method,
            f"{self.url}{path}",
            json=body,
            headers={**headers, **options.pop("headers", {})},
            timeout=30,
            allow_redirects=False,
            **options,
        )

    def new_app(self) -> AppId:
        """Another app of the repository; no worker makes its databases."""
        app_id = AppId(secrets.token_hex(5))
        self.world.assign_quietly(app_id)
        return app_id

    def with_policies(self, app_id: AppId, policies: Policies) -> None:
        """Change the rules of its assignment."""
        assignment = self.world.services.store.apps.assignment(app_id)
        assert assignment is not None
        self.world.services.store.apps.edit(replace(assignment, policies=policies))

    def database(
        self, app_id: AppId, environment: Environment, branch: str | None = None
    ) -> Database:
        """One that is to be made, and that nobody makes."""
        assignment = self.world.services.store.apps.assignment(app_id)
        assert assignment is not None
        return provisioning.intend_database(
            self.world.services,
            assignment,
            environment,
            BranchName(branch) if branch else None,
        )

    def past_run(
        self,
        app_id: AppId,
        *,
        log: str = "done\n",
        branch_name: str = "feature/<b>",
        result: MigrationResult | None = MigrationResult.SUCCESS,
        head_sha: str = "a" * 40,
        attempt: int = 1,
        seed_result: MigrationResult | None = None,
        unfinished: tuple[Unfinished, ...] = (),
        trace: Trace | None = None,
    ) -> int:
        """A run that migrated the app's branch database; without a result it does so still."""
        services = self.world.services
        branch = self.database(app_id, Environment.BRANCH, branch_name)
        states.make_ready(services, branch)
        now = datetime.now(UTC)
        run = services.store.runs.start(
            Run(
                app_id=app_id,
                repository_id=self.world.repository.id,  # type: ignore[arg-type]
                workflow_run_id=WorkflowRunId(branch.id),
                workflow_attempt=attempt,
                workflow_job_id=None,
                job_name="database",
                event="push",
                head_sha=CommitSha(head_sha),
                branch=branch.branch,
                environments=(Environment.BRANCH,),
                primary=Environment.BRANCH,
                migrates=True,
                credentials=CredentialKind.JOB,
                export_env=False,
                credentials_minutes=60,
                timeout_minutes=30,
                command="migrate",
                created_at=now,
            ),
            key=secrets.token_hex(8),
        )
        taken = services.store.migrations.take(
            Migration(
                run_id=run.id,
                database_id=branch.id,
                environment=Environment.BRANCH,
                generation=branch.generation,
                rebuilt=False,
                started_at=now,
            ),
            expires_at=now,
        )
        assert taken is not None
        if result is not None:
            seeding = None
            if seed_result is not None:
                seeding = Seeding(
                    result=seed_result, exit_code=1, duration_seconds=0.5, log_tail=""
                )
            outcome = Outcome(
                result=result,
                exit_code=0,
                duration_seconds=1.5,
                log_tail=log,
                seeding=seeding,
                unfinished=unfinished,
                trace=trace,
            )
            services.store.migrations.finish(taken[0].id, outcome, at=now)
            services.store.leases.release(taken[0].id)
        return run.id

"""People at their desks: each with a token, and what the service answers them."""

import secrets
from collections.abc import Mapping
from typing import Any

import requests

from app.core.databases import Database
from app.core.environments import Environment
from app.core.identifiers import AppId, BranchName
from app.core.people import OPERATOR, Actor
from app.operations.administration import tokens
from app.operations.administration.tokens import TokenRequest
from app.operations.databases import provisioning
from tests.integration.lifecycle.world import World

ROLES = ("none", "read", "triage", "write", "maintain", "admin")


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

    def token(self, actor: Actor, **wanted: Any) -> str:
        """A token that acts as somebody, or does less."""
        services = self.world.services.acting_as(actor, source="192.0.2.7")
        _, secret = tokens.make(services, TokenRequest(name="test", **wanted))
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

    def database(
        self, app_id: AppId, environment: Environment, branch: str | None = None
    ) -> Database:
        """One that is to be made, and that nobody makes."""
        assignment = self.world.services.apps.assignment(app_id)
        assert assignment is not None
        return provisioning.intend_database(
            self.world.services,
            assignment,
            environment,
            BranchName(branch) if branch else None,
        )

"""Webhook requests as GitHub sends them, and what became of them in the state database."""

import hashlib
import hmac
import json
import uuid
from collections.abc import Mapping
from typing import Any, LiteralString

from psycopg import Connection, connect
from psycopg.rows import dict_row

from app.core.assignments import App, Assignment, Policies
from app.core.identifiers import (
    AppId,
    BranchName,
    InstallationId,
    OwnerId,
    RepositoryId,
)
from app.core.instances import Address, AdminLogin, Instance, InstanceKind, SslMode
from app.core.repositories import InstallationState, Repository
from app.operations.services import Services
from app.store.connection import state_conninfo

SECRET, SECOND_SECRET = "the-secret-in-use", "the-secret-to-come"
REPOSITORY_ID, OWNER_ID = 42, 7

PUSH: Mapping[str, Any] = {
    "ref": "refs/heads/feature/login",
    "before": "0" * 40,
    "after": "a" * 40,
    "created": True,
    "deleted": False,
    "repository": {
        "id": REPOSITORY_ID,
        "full_name": "acme/shop",
        "default_branch": "main",
        "owner": {"id": OWNER_ID, "login": "acme"},
    },
    "pusher": {"name": "mona"},
    "head_commit": None,
    "commits": [],
    "installation": {"id": 9},
}


def signature(body: bytes, secret: str = SECRET) -> str:
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def headers(
    body: bytes, *, event: str = "push", guid: str | None = None, secret: str = SECRET
) -> dict[str, str]:
    """https://docs.github.com/en/webhooks/webhook-events-and-payloads#delivery-headers"""
    return {
        "Content-Type": "application/json",
        "User-Agent": "GitHub-Hookshot/0abc123",
        "X-GitHub-Delivery": guid or str(uuid.uuid4()),
        "X-GitHub-Event": event,
        "X-Hub-Signature-256": signature(body, secret),
    }


def encoded(**changes: Any) -> bytes:
    """A push of a branch, changed."""
    return json.dumps({**PUSH, **changes}).encode()


def register(services: Services) -> None:
    """The repository of the payloads, with an app on a server that nobody asks."""
    address = Address(host="127.0.0.1", port=1, sslmode=SslMode.DISABLE)
    login = AdminLogin(address=address, user="nobody", password="none")
    instance_id = services.store.instances.add(
        Instance(
            name="tenants",
            kind=InstanceKind.LINKED,
            admin=login,
            public_address=address,
        )
    )
    services.store.repositories.save(
        Repository(
            id=RepositoryId(REPOSITORY_ID),
            owner_id=OwnerId(OWNER_ID),
            full_name="acme/shop",
            default_branch=BranchName("main"),
            is_private=True,
            is_archived=False,
            installation_id=InstallationId(9),
            installation_state=InstallationState.ACTIVE,
        )
    )
    app = App(id=AppId("shop"), repository_id=RepositoryId(REPOSITORY_ID), has_bare_checks=True)
    services.store.apps.add(app)
    services.store.apps.assign(
        Assignment(
            app=app, instance_id=instance_id, migration_command="migrate", policies=Policies()
        )
    )


class Stored:
    """What the state database holds."""

    def __init__(self, dsn: str) -> None:
        self._dsn = dsn

    def outcomes(self) -> dict[str, str]:
        """Of every delivery, by its guid."""
        return {row["guid"]: row["outcome"] for row in self._rows("SELECT * FROM deliveries")}

    def jobs(self) -> list[str]:
        rows = self._rows("SELECT task_name FROM procrastinate_jobs ORDER BY id")
        return [row["task_name"] for row in rows]

    def forget_jobs(self) -> None:
        """As if a worker had done them."""
        with self.connect() as connection:
            connection.execute("TRUNCATE procrastinate_jobs CASCADE")

    def put_off(self) -> int:
        """How many jobs are not due yet."""
        return len(self._rows("SELECT FROM procrastinate_jobs WHERE scheduled_at > now()"))

    def connect(self) -> Connection:
        """Somebody else, who is about to do something."""
        return connect(state_conninfo(self._dsn))

    def is_waited_for(self) -> bool:
        """Whether somebody waits for what another transaction holds."""
        return bool(
            self._rows(
                "SELECT FROM pg_stat_activity"
                " WHERE datname = current_database() AND wait_event_type = 'Lock'"
            )
        )

    def forget(self) -> None:
        """As before the first delivery."""
        with self.connect() as connection:
            connection.execute(
                "TRUNCATE deliveries, procrastinate_jobs, pull_requests, commands CASCADE"
            )

    def _rows(self, query: LiteralString) -> list[dict[str, Any]]:
        with connect(state_conninfo(self._dsn), row_factory=dict_row) as connection:
            return connection.execute(query).fetchall()

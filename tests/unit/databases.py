"""Databases and instances for tests with values."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import (
    AppId,
    BranchName,
    CommitSha,
    DatabaseId,
    DatabaseName,
    InstanceId,
    RoleName,
)
from app.core.instances import Address, AdminLogin, Instance, InstanceKind, SslMode

ADDRESS = Address(host="db.example.com", port=5432, sslmode=SslMode.VERIFY_FULL)
NOW = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def database(branch: str | None = "x", **changes: Any) -> Database:
    """A branch database in use, present at the last look."""
    plain = Database(
        id=DatabaseId(1),
        app_id=AppId("3ba03b"),
        instance_id=InstanceId(1),
        environment=Environment.BRANCH,
        branch=BranchName(branch) if branch else None,
        name=DatabaseName(f"3ba03b--{branch}"),
        owner_role=RoleName("3ba03b-o-1"),
        login_role=RoleName("3ba03b-u-1"),
        marker="m",
        state=DatabaseState.READY,
        migrated_sha=CommitSha("a" * 40),
        migrated_at=NOW,
        created_at=NOW,
        ready_at=NOW,
    )
    return replace(plain, **changes)


def instance(**changes: Any) -> Instance:
    """A linked one that is reached as others reach it."""
    plain = Instance(
        id=InstanceId(1),
        name="main",
        kind=InstanceKind.LINKED,
        admin=AdminLogin(address=ADDRESS, user="coppice", password="the-admin-password"),
        public_address=ADDRESS,
    )
    return replace(plain, **changes)

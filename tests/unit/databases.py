"""Rows of databases for tests with values."""

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
        reason=None,
        generation=1,
        migrated_sha=CommitSha("a" * 40),
        migrated_at=NOW,
        created_at=NOW,
        ready_at=NOW,
        drop_after=None,
        missing_since=None,
        is_live=True,
        is_emptying=False,
    )
    return replace(plain, **changes)

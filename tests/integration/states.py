"""Databases brought from state to state without their server, by the events of their life."""

from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Any

from app.core import lifecycle
from app.core.databases import Closing, Database
from app.core.identifiers import CommitSha, DatabaseId
from app.core.intents import Intent
from app.operations.services import Services


def make_ready(services: Services, database: Database) -> None:
    event = partial(lifecycle.made, generation=database.generation, now=services.clock())
    services.store.databases.apply_to(database.id, event)


def fail(
    services: Services,
    database: Database,
    *,
    reason: str = "It broke.",
    reason_code: str | None = None,
    then: Sequence[Intent] = (),
) -> None:
    event = partial(lifecycle.failed, reason=reason, reason_code=reason_code, now=services.clock())
    services.store.databases.apply_to(database.id, event, then=then)


def freeze(services: Services, database: Database, *, reason: str) -> None:
    event = partial(lifecycle.frozen, reason=reason, reason_code="limit_reached")
    services.store.databases.apply_to(database.id, event)


def delete(services: Services, database: Database) -> None:
    """By hand, and for as long as databases are kept."""
    drop_after = services.clock() + services.retention
    event = partial(lifecycle.deleted, because=Closing.BY_HAND, drop_after=drop_after)
    services.store.databases.apply_to(database.id, event)


def start_afresh(services: Services, database: Database) -> None:
    event = partial(lifecycle.afresh, generation=database.generation)
    assert services.store.databases.apply_to(database.id, event)


def migrate(services: Services, database_id: DatabaseId, sha: str) -> None:
    """A commit was migrated successfully."""
    event = partial(lifecycle.migrated, head_sha=CommitSha(sha), now=services.clock())
    services.store.databases.apply_to(database_id, event)


def with_store(services: Services, **parts: Any) -> Services:
    """The same services, where these parts of the store are others."""
    return replace(services, store=replace(services.store, **parts))

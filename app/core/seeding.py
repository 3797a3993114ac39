"""Seeding: when the seed command follows a migration."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from app.core.assignments import Policies
from app.core.databases import Database
from app.core.environments import Environment


@dataclass(frozen=True, slots=True, kw_only=True)
class Seed:
    """What is remembered of a database's seed, until the database starts afresh."""

    is_owed: bool
    """The last try failed, or a person asked for it: the next run seeds."""
    seeded_at: datetime | None
    """None, and not owed: a person's own migration of `dev` was followed by none."""


class LocalSeed(StrEnum):
    """What followed a successful migration on a person's own machine."""

    SUCCESS = "success"
    FAILURE = "failure"
    NONE = "none"
    """No seed command was run, and none shall be until somebody asks."""


def may_seed(environment: Environment, policies: Policies) -> bool:
    """Whether sample data may come into this environment at all."""
    return environment is not Environment.PRODUCTION or policies.seed_production


def is_awaited(database: Database, seed: Seed | None) -> bool:
    """Whether the database has yet to get its seed.

    One that was migrated before there was a seed command has data of its own by now: it is seeded
    only when somebody asks.

    Args:
        database: As it is before the migration.
        seed: Of this generation of the database; None when nothing is remembered.
    """
    return database.migrated_sha is None if seed is None else seed.is_owed


def is_due(database: Database, seed: Seed | None, *, command: str, policies: Policies) -> bool:
    """Whether a successful migration is followed by the seed command; empty: there is none."""
    if not command.strip() or not may_seed(database.environment, policies):
        return False
    return is_awaited(database, seed)

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


class Prospect(StrEnum):
    """What people may expect of a database's seed."""

    NEVER = "never"
    """No seed command is known, or none may run here."""
    AWAITED = "awaited"
    """It comes by itself, with the next run; for `dev` with the next migration by hand."""
    ON_REQUEST = "on-request"


def may_seed(environment: Environment, policies: Policies) -> bool:
    """Whether sample data may come into this environment at all."""
    if environment is Environment.SHADOW:
        return False
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


def prospect(
    database: Database, seed: Seed | None, *, last_command: str, policies: Policies
) -> Prospect:
    """What to offer people who look at the database.

    Args:
        last_command: The seed command of the run that migrated it last; empty: none.
    """
    was_seeded = seed is not None and seed.seeded_at is not None
    is_known = was_seeded or bool(known_command(last_command, policies))
    if not is_known or not may_seed(database.environment, policies):
        return Prospect.NEVER
    return Prospect.AWAITED if is_awaited(database, seed) else Prospect.ON_REQUEST


def known_command(last_command: str, policies: Policies) -> str:
    """The seed command as far as one can tell before the next run, which may bring another."""
    return last_command.strip() or policies.seed_command.strip()

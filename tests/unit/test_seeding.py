"""When the seed command follows a migration."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from app.core.assignments import Policies
from app.core.environments import Environment
from app.core.identifiers import CommitSha
from app.core.seeding import Prospect, Seed, is_awaited, is_due, may_seed, prospect
from tests.unit.test_reports import DATABASE

NOW = datetime(2026, 11, 23, tzinfo=UTC)
MIGRATED = CommitSha("a" * 40)
SEEDED = Seed(is_owed=False, seeded_at=NOW)
OWED = Seed(is_owed=True, seeded_at=None)
ASKED_FOR = Seed(is_owed=True, seeded_at=NOW)


@pytest.mark.parametrize(
    ("migrated_sha", "seed", "expected"),
    [
        (None, None, True),
        (MIGRATED, None, False),  # migrated before there was a seed command
        (MIGRATED, SEEDED, False),
        (MIGRATED, OWED, True),  # the last try failed
        (MIGRATED, ASKED_FOR, True),
        (None, ASKED_FOR, True),
    ],
)
def test_a_database_is_seeded_once_and_again_when_it_is_owed(
    migrated_sha: CommitSha | None, seed: Seed | None, expected: bool
) -> None:
    database = replace(DATABASE, migrated_sha=migrated_sha)

    assert is_due(database, seed, command="seed", policies=Policies()) is expected


def test_a_database_that_was_settled_without_a_seed_awaits_none() -> None:
    assert not is_awaited(DATABASE, Seed(is_owed=False, seeded_at=None))


@pytest.mark.parametrize("command", ["", "  ", "\n"])
def test_nothing_is_seeded_without_a_command(command: str) -> None:
    assert not is_due(DATABASE, OWED, command=command, policies=Policies())


@pytest.mark.parametrize("seed", [None, OWED, ASKED_FOR])
def test_production_is_seeded_only_where_the_assignment_says_so(seed: Seed | None) -> None:
    production = replace(DATABASE, environment=Environment.PRODUCTION, branch=None)

    assert not is_due(production, seed, command="seed", policies=Policies())
    assert is_due(production, seed, command="seed", policies=Policies(seed_production=True))


@pytest.mark.parametrize("environment", [Environment.BRANCH, Environment.PREVIEW])
def test_every_other_environment_is_seeded(environment: Environment) -> None:
    database = replace(DATABASE, environment=environment)

    assert is_due(database, None, command="seed", policies=Policies())


@pytest.mark.parametrize(
    ("migrated_sha", "seed", "expected"),
    [
        (None, None, Prospect.AWAITED),
        (MIGRATED, None, Prospect.ON_REQUEST),  # migrated before there was a seed command
        (MIGRATED, SEEDED, Prospect.ON_REQUEST),
        (None, SEEDED, Prospect.ON_REQUEST),  # dev: no run has migrated it
        (MIGRATED, ASKED_FOR, Prospect.AWAITED),
        (MIGRATED, OWED, Prospect.AWAITED),
    ],
)
def test_people_are_offered_the_seed_that_does_not_come_by_itself(
    migrated_sha: CommitSha | None, seed: Seed | None, expected: Prospect
) -> None:
    database = replace(DATABASE, migrated_sha=migrated_sha)

    assert prospect(database, seed, last_command="seed", policies=Policies()) is expected


@pytest.mark.parametrize(
    ("seed", "last_command", "policies", "is_known"),
    [
        (None, " ", Policies(seed_command=" "), False),
        (Seed(is_owed=False, seeded_at=None), "", Policies(), False),
        (None, "seed", Policies(), True),
        (None, "", Policies(seed_command="seed"), True),
        (SEEDED, "", Policies(), True),  # by a command that was given by hand
    ],
)
def test_no_seed_is_offered_without_a_command(
    seed: Seed | None, last_command: str, policies: Policies, *, is_known: bool
) -> None:
    database = replace(DATABASE, migrated_sha=MIGRATED)

    found = prospect(database, seed, last_command=last_command, policies=policies)

    assert found is (Prospect.ON_REQUEST if is_known else Prospect.NEVER)


def test_no_seed_is_offered_where_none_may_come() -> None:
    production = replace(DATABASE, environment=Environment.PRODUCTION, migrated_sha=MIGRATED)

    for policies, expected in (
        (Policies(), Prospect.NEVER),
        (Policies(seed_production=True), Prospect.ON_REQUEST),
    ):
        assert prospect(production, SEEDED, last_command="seed", policies=policies) is expected
    assert not may_seed(Environment.SHADOW, Policies(seed_production=True))

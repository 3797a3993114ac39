"""What an app's page says of its rules."""

from dataclasses import fields, replace

import pytest

from app.core.assignments import (
    BotPolicy,
    LogPolicy,
    Parent,
    Policies,
    PreviewFailure,
    PreviewPolicy,
    RunnerPolicy,
    TracePolicy,
)
from app.web.dashboard.rule_facts import Fact, unusual

CHANGED = Policies(
    parent=Parent.FIXTURE,
    ignore_patterns=("dependabot/**",),
    preview=PreviewPolicy.OFF,
    preview_failure=PreviewFailure.KEEP,
    extensions=("pgcrypto", "citext"),
    production_environment="live",
    allowed_workflows=("acme/ci/.github/workflows/db.yml@" + "a" * 40,),
    runners=RunnerPolicy.GITHUB_HOSTED,
    bots=BotPolicy.ALL,
    runtime_production=True,
    log=LogPolicy.PUBLIC,
    seed_command="npm run seed",
    seed_production=True,
    lock_timeout="30s",
    trace=TracePolicy.ALL,
    no_rewrite_above="100MB",
    no_block_above="100000",
)


def test_the_defaults_need_no_words() -> None:
    assert unusual(Policies()) == ()


@pytest.mark.parametrize("name", [each.name for each in fields(Policies)])
def test_every_rule_that_was_changed_is_told(name: str) -> None:
    told = unusual(replace(Policies(), **{name: getattr(CHANGED, name)}))

    assert len(told) == 1


def test_commands_and_names_are_code() -> None:
    assert unusual(Policies(seed_command="npm run seed", extensions=("citext", "hstore"))) == (
        Fact("Seed", code=("npm run seed",)),
        Fact("Extensions", code=("citext", "hstore")),
    )

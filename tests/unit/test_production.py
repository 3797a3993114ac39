"""Production: what it asks for beyond a run on the default branch."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.core.assignments import BotPolicy, Policies, RunnerPolicy
from app.core.authorization import Allowed, Denied, Facts, decide
from app.core.claims import Claims
from app.core.databases import DatabaseState
from app.core.environments import Environment
from app.core.identifiers import RepositoryId
from app.core.repositories import InstallationState
from app.core.runs import CredentialKind
from tests.unit.jobs import OWN_WORKFLOW, REPOSITORY, claims_of, facts_of, run_of

PINNED = f"octo/shared/.github/workflows/db.yml@{'c' * 40}"


def denied(claims: Claims, environment: Environment, **changes: Any) -> Denied:
    decision = decide(claims, facts_of(claims, **changes), environment)
    assert isinstance(decision, Denied)
    return decision


def test_production_waits_while_github_cannot_say() -> None:
    for unknown in ({"live": None}, {"run": None}, {"live": None, "run": None}):
        refusal = denied(claims_of(), Environment.PRODUCTION, **unknown)

        assert (refusal.code, refusal.http_status) == ("github_unavailable", 503)


@pytest.mark.parametrize(
    "called",
    [
        "",
        "@refs/heads/main",
        f"{OWN_WORKFLOW}@refs/heads/x@refs/heads/main",
        f"{OWN_WORKFLOW}@refs/tags/main",
        f"{OWN_WORKFLOW}@main",
        f"{OWN_WORKFLOW}@refs/heads/Main",
        f"{OWN_WORKFLOW}@{'c' * 40}",
        "octo/shop-evil/.github/workflows/ci.yml@refs/heads/main",
        "evil/octo/shop/.github/workflows/ci.yml@refs/heads/main",
        "octo/shop/action.yml@refs/heads/main",
        f"octo/shared/.github/workflows/db.yml@{'d' * 40}",
        "octo/shared/.github/workflows/db.yml@v1",
    ],
)
def test_production_is_for_the_repositorys_own_workflows_or_pinned_ones(called: str) -> None:
    policies = Policies(allowed_workflows=(PINNED, "octo/shared/.github/workflows/db.yml@v1"))

    refusal = denied(claims_of(job_workflow_ref=called), Environment.PRODUCTION, policies=policies)

    assert refusal.code == "workflow_not_allowed"


@pytest.mark.parametrize(
    ("policy", "actor", "code"),
    [
        (BotPolicy.NO_DEPENDABOT, "dependabot[bot]", "bot_not_allowed"),
        (BotPolicy.NO_DEPENDABOT, "Dependabot[bot]", "bot_not_allowed"),
        (BotPolicy.NO_DEPENDABOT, "mergify[bot]", None),
        (BotPolicy.ALL, "dependabot[bot]", None),
        (BotPolicy.NONE, "mergify[bot]", "bot_not_allowed"),
        (BotPolicy.NONE, "dependabot[bot]", "bot_not_allowed"),
        (BotPolicy.NONE, "robot", None),
    ],
)
def test_the_bot_policy_is_about_production(
    policy: BotPolicy, actor: str, code: str | None
) -> None:
    claims = claims_of(actor=actor)
    facts = facts_of(claims, policies=Policies(bots=policy))

    decision = decide(claims, facts, Environment.PRODUCTION)

    assert getattr(decision, "code", None) == code
    assert isinstance(decide(claims, facts, Environment.PREVIEW), Allowed)


def test_the_long_lived_login_of_production_needs_a_policy() -> None:
    claims = claims_of()

    def asked(environment: Environment, **policies: Any) -> Allowed | Denied:
        facts = facts_of(claims, policies=Policies(**policies))
        return decide(claims, facts, environment, credentials=CredentialKind.RUNTIME)

    assert isinstance(asked(Environment.PRODUCTION), Denied)
    assert isinstance(asked(Environment.PREVIEW), Allowed)
    assert isinstance(asked(Environment.PRODUCTION, runtime_production=True), Allowed)


@pytest.mark.parametrize(
    ("policies", "claimed"),
    [
        (Policies(), {"environment": "staging"}),
        (Policies(), {"runner_environment": "self-hosted"}),
        (Policies(runners=RunnerPolicy.GITHUB_HOSTED), {"runner_environment": "github-hosted"}),
        (Policies(production_environment="Live"), {"environment": "live"}),
    ],
    ids=str,
)
def test_a_policy_refuses_nothing_that_it_does_not_name(
    policies: Policies, claimed: dict[str, Any]
) -> None:
    claims = claims_of(**claimed)

    decision = decide(claims, facts_of(claims, policies=policies), Environment.PRODUCTION)

    assert isinstance(decision, Allowed)


# What is allowed comes up often enough to be tested, too.
events = st.sampled_from(["push", "workflow_dispatch"]) | st.sampled_from(
    ["schedule", "pull_request", "merge_group", "workflow_run", ""]
)
refs = st.sampled_from(["refs/heads/main", "refs/heads/feature/x"]) | st.sampled_from(
    [
        "refs/heads/Main",
        "refs/heads/refs/heads/main",
        "refs/heads/gh-readonly-queue/main/pr-5-abc",
        "refs/tags/main",
        "refs/pull/5/merge",
        "main",
        "",
    ]
)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Claims, Facts]:
    """A job in which any few things may be odd, most often none."""
    claims = claims_of(
        draw(events),
        draw(refs),
        ref_type=draw(st.sampled_from(["branch"] * 4 + ["tag"])),
        head_ref=draw(st.sampled_from(["feature/x", "main", ""])),
        environment=draw(st.sampled_from(["", "production"])),
        runner_environment=draw(st.sampled_from(["github-hosted", "self-hosted"])),
        job_workflow_ref=draw(
            st.sampled_from([f"{OWN_WORKFLOW}@refs/heads/main", f"{OWN_WORKFLOW}@refs/heads/x"])
        ),
        actor=draw(st.sampled_from(["ada", "dependabot[bot]"])),
    )
    run = run_of(
        claims,
        head_repository_id=draw(st.sampled_from([RepositoryId(42)] * 4 + [None])),
        is_completed=draw(st.sampled_from([False] * 4 + [True])),
    )
    policies = Policies(
        production_environment=draw(st.sampled_from(["", "production"])),
        runners=draw(st.sampled_from(RunnerPolicy)),
        bots=draw(st.sampled_from(BotPolicy)),
        ignore_patterns=draw(st.sampled_from([(), ("feature/**",)])),
    )
    facts = facts_of(
        claims,
        run=draw(st.sampled_from([run] * 4 + [None])),
        live=draw(st.sampled_from([REPOSITORY] * 4 + [None])),
        policies=draw(st.sampled_from([policies] * 4 + [None])),
        installation=draw(
            st.sampled_from([InstallationState.ACTIVE] * 4 + list(InstallationState))
        ),
        database_state=draw(st.sampled_from([DatabaseState.READY] * 8 + list(DatabaseState))),
    )
    return claims, facts


@settings(max_examples=400)
@given(cases())
def test_whoever_gets_production_fulfils_everything(case: tuple[Claims, Facts]) -> None:
    claims, facts = case

    if isinstance(decide(claims, facts, Environment.PRODUCTION), Allowed):
        assert claims.event_name in {"push", "workflow_dispatch", "schedule"}
        assert (claims.ref, claims.ref_type) == ("refs/heads/main", "branch")
        assert claims.job_workflow_ref.endswith("@refs/heads/main")
        assert facts.live
        assert facts.run
        assert not facts.run.is_completed
        assert facts.run.head_repository_id == 42
        assert facts.installation is InstallationState.ACTIVE
        assert facts.database_state is DatabaseState.READY
        assert facts.policies
        assert facts.policies.production_environment in {"", claims.environment}


@settings(max_examples=400)
@given(cases())
def test_a_branch_database_is_always_the_jobs_own(case: tuple[Claims, Facts]) -> None:
    claims, facts = case

    decision = decide(claims, facts, Environment.BRANCH)

    if isinstance(decision, Allowed):
        own = claims.head_ref if claims.event_name == "pull_request" else claims.ref[11:]
        assert decision.branch == own != "main"


@settings(max_examples=400)
@given(cases(), st.sampled_from(["repository", "policies", "live", "run", "database_state"]))
def test_knowing_less_never_gives_more(case: tuple[Claims, Facts], unknown: str) -> None:
    claims, facts = case
    changes: dict[str, Any] = {unknown: None}
    poorer = replace(facts, **changes)
    # Losing sight of a run that has ended is an outage, during which a push is believed.
    is_outage = unknown in {"live", "run"} and claims.event_name == "push"

    for environment in Environment:
        if isinstance(decide(claims, poorer, environment), Allowed):
            is_known = isinstance(decide(claims, facts, environment), Allowed)
            assert is_known or (is_outage and environment is not Environment.PRODUCTION)

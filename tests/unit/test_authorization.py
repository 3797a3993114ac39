"""Authorisation: the whole table of who may have which database, row by row."""

import csv
from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from pathlib import Path
from typing import Any

import pytest

from app.core.assignments import Parent, Policies, RunnerPolicy
from app.core.authorization import Allowed, Denied, Facts, decide
from app.core.claims import Claims
from app.core.databases import DatabaseState
from app.core.environments import Environment
from app.core.identifiers import BranchName, OwnerId, RepositoryId
from app.core.repositories import InstallationState
from tests.unit.jobs import (
    OWN_WORKFLOW,
    REPOSITORY,
    claims_of,
    facts_of,
    pull_request_of,
    run_of,
)

PINNED = f"octo/shared/.github/workflows/db.yml@{'c' * 40}"
TABLE = list(
    csv.DictReader((Path(__file__).parent / "data/authz_oidc.csv").read_text().splitlines())
)
# Refused before a decision: by the verification of the token (tests/integration/test_oidc.py), and
# by the request model of POST /api/v1/runs, which knows neither branch nor database.
BY_TOKEN = {"O80", "O81", "O82", "O83", "O84"}
BY_REQUEST = {"O88"}
DECIDED = [row for row in TABLE if row["id"] not in BY_TOKEN | BY_REQUEST]


@dataclass(frozen=True, kw_only=True)
class Job:
    """One row of the table as claims and facts."""

    claims: Claims
    facts: Facts

    def with_claims(self, **changes: Any) -> "Job":
        return replace(self, claims=replace(self.claims, **changes))

    def with_facts(self, **changes: Any) -> "Job":
        return replace(self, facts=replace(self.facts, **changes))


def with_policies(**changes: Any) -> Callable[[Job], Job]:
    return lambda job: job.with_facts(policies=Policies(**changes))


def with_completed_run(job: Job) -> Job:
    return job.with_facts(run=run_of(job.claims, is_completed=True, conclusion="success"))


def with_closed_pull_request(job: Job) -> Job:
    return job.with_facts(pull_request=pull_request_of(job.claims, is_open=False))


def with_old_default_branch(job: Job) -> Job:
    return job.with_facts(
        repository=replace(REPOSITORY, default_branch=BranchName("old-default")),
        live=replace(REPOSITORY, default_branch=BranchName("trunk")),
    )


# What the table's column "other" says, by how its text begins.
OTHER: dict[str, Callable[[Job], Job]] = {
    "ref_type=tag": lambda job: job.with_claims(ref_type="tag"),
    "PR closed": with_closed_pull_request,
    "ref empty": lambda job: job.with_claims(ref=""),
    "repo setting require_environment=production": with_policies(
        production_environment="production"
    ),
    "require_environment=production": with_policies(production_environment="production"),
    "repository name equals": lambda job: job.with_claims(repository="octo/shop"),
    "installation suspended": lambda job: job.with_facts(installation=InstallationState.SUSPENDED),
    "installation deleted": lambda job: job.with_facts(installation=InstallationState.REMOVED),
    "repository archived": lambda job: job.with_facts(live=replace(REPOSITORY, is_archived=True)),
    "db state=": lambda job: job.with_facts(database_state=DatabaseState.DELETED),
    "default branch changed": with_old_default_branch,
    "run status=completed": with_completed_run,
    "jti already used": lambda job: job,
    "sub = any of 4 shapes": lambda job: job,
    "runner_environment=self-hosted": lambda job: job.with_claims(
        runner_environment="self-hosted"
    ).with_facts(policies=Policies(runners=RunnerPolicy.GITHUB_HOSTED)),
    "actor=dependabot[bot]": lambda job: job.with_claims(actor="dependabot[bot]"),
}
WORKFLOWS = {
    "own path@refs/heads/evil": f"{OWN_WORKFLOW}@refs/heads/evil",
    "octo/shared/...@<40-hex sha>, allow-listed with that sha": PINNED,
}


def job_of(row: dict[str, str]) -> Job:
    repository_id, owner_id = row["repo_claims"].split("/")
    claims = claims_of(
        row["event_name"],
        row["ref"],
        head_ref=row["head_ref"],
        repository_id=RepositoryId(int(repository_id)),
        owner_id=OwnerId(int(owner_id)),
        environment=row["environment"],
    )
    if row["job_workflow_ref"] != "own":
        called = WORKFLOWS.get(row["job_workflow_ref"], row["job_workflow_ref"])
        claims = replace(claims, job_workflow_ref=called)
    job = Job(claims=claims, facts=facts_of(claims, policies=Policies(allowed_workflows=(PINNED,))))
    return with_other(with_head_repository(job, row["run_head_repo_id"]), row["other"])


def with_head_repository(job: Job, text: str) -> Job:
    if text == "api 5xx":
        return job.with_facts(run=None, live=None, pull_request=None)
    head = None if text == "null" else RepositoryId(int(text))
    return job.with_facts(run=run_of(job.claims, head_repository_id=head))


def with_other(job: Job, text: str) -> Job:
    if not text:
        return job
    [spoil] = [change for start, change in OTHER.items() if text.startswith(start)]
    return spoil(job)


def answer(job: Job, environment: Environment) -> str:
    """The decision in the table's own words."""
    decision = decide(job.claims, job.facts, environment)
    if isinstance(decision, Denied):
        return "deny"
    return f"allow:{decision.branch}" if decision.branch else "allow"


def in_the_tables_words(cell: str) -> str:
    # "n/a" is the default branch, which has no branch database; O79 explains its "allow".
    return "deny" if cell == "n/a" else cell.partition(" (")[0]


@pytest.mark.parametrize("row", DECIDED, ids=[row["id"] for row in DECIDED])
def test_the_table_is_followed(row: dict[str, str]) -> None:
    job = job_of(row)

    assert {
        "production": answer(job, Environment.PRODUCTION),
        "branch": answer(job, Environment.BRANCH),
        "preview": answer(job, Environment.PREVIEW),
    } == {kind: in_the_tables_words(row[kind]) for kind in ("production", "branch", "preview")}


def test_no_row_of_the_table_is_skipped_unnoticed() -> None:
    assert {row["id"] for row in TABLE if row["deny_reason"].startswith("401")} == BY_TOKEN
    assert {row["id"] for row in TABLE if row["deny_reason"].startswith("400")} == BY_REQUEST
    assert len(DECIDED) + len(BY_TOKEN) + len(BY_REQUEST) == len(TABLE) == 79


@pytest.mark.parametrize("row", DECIDED, ids=[row["id"] for row in DECIDED])
def test_nothing_gives_the_development_database(row: dict[str, str]) -> None:
    assert answer(job_of(row), Environment.DEV) == "deny"


@pytest.mark.parametrize("row", DECIDED, ids=[row["id"] for row in DECIDED])
def test_a_template_is_given_exactly_where_production_is(row: dict[str, str]) -> None:
    job = job_of(row)
    assert job.facts.policies is not None
    cloning = job.with_facts(policies=replace(job.facts.policies, parent=Parent.FIXTURE))

    assert answer(cloning, Environment.TEMPLATE) == answer(cloning, Environment.PRODUCTION)
    assert answer(cloning, Environment.TEMPLATE) == in_the_tables_words(row["production"])
    assert answer(job, Environment.TEMPLATE) == "deny"


def test_the_subject_claim_is_not_even_there_to_be_parsed() -> None:
    assert "sub" not in {field.name for field in fields(Claims)}


def denied(claims: Claims, environment: Environment, **changes: Any) -> Denied:
    decision = decide(claims, facts_of(claims, **changes), environment)
    assert isinstance(decision, Denied)
    return decision


def test_every_refusal_tells_what_happened_and_what_to_do() -> None:
    for row in DECIDED:
        job = job_of(row)
        for environment in Environment:
            decision = decide(job.claims, job.facts, environment)
            if isinstance(decision, Denied):
                assert decision.code.replace("_", "").isalpha()
                assert decision.message.endswith(".")
                assert decision.advice
                assert (decision.retry_after_seconds is None) == (decision.http_status == 403)


@pytest.mark.parametrize(
    ("state", "code"),
    [
        (None, "creating"),
        (DatabaseState.CREATING, "creating"),
        (DatabaseState.GONE, "creating"),
        (DatabaseState.DELETED, "restoring"),
        (DatabaseState.ERROR, "fixing"),
    ],
)
def test_a_database_that_is_not_ready_makes_the_job_wait(
    state: DatabaseState | None, code: str
) -> None:
    refusal = denied(claims_of(), Environment.PRODUCTION, database_state=state)

    assert (refusal.code, refusal.http_status, refusal.retry_after_seconds) == (code, 409, 1)


@pytest.mark.parametrize(
    ("ref", "environment"),
    [
        ("refs/heads/main", Environment.PREVIEW),
        ("refs/heads/feature/x", Environment.BRANCH),
        ("refs/heads/feature/x", Environment.PREVIEW),
    ],
)
def test_a_push_needs_no_github_for_branch_and_preview(ref: str, environment: Environment) -> None:
    claims = claims_of("push", ref)

    assert isinstance(decide(claims, facts_of(claims, live=None, run=None), environment), Allowed)


@pytest.mark.parametrize(
    ("event", "ref"),
    [
        ("workflow_dispatch", "refs/heads/feature/x"),
        ("schedule", "refs/heads/main"),
        ("merge_group", "refs/heads/gh-readonly-queue/main/pr-5-abc"),
        ("pull_request", "refs/pull/5/merge"),
    ],
)
@pytest.mark.parametrize("unknown", ["live", "run"])
def test_every_other_event_needs_github(event: str, ref: str, unknown: str) -> None:
    refusal = denied(claims_of(event, ref), Environment.PREVIEW, **{unknown: None})

    assert refusal.http_status == 503


def test_a_pull_request_that_github_cannot_show_waits() -> None:
    refusal = denied(
        claims_of("pull_request", "refs/pull/5/merge"), Environment.BRANCH, pull_request=None
    )

    assert refusal.http_status == 503


@pytest.mark.parametrize(
    ("claimed", "live", "code"), [(1, 2, "run_completed"), (2, 1, "contradiction")]
)
def test_a_token_is_good_for_its_own_attempt(claimed: int, live: int, code: str) -> None:
    claims = claims_of(run_attempt=claimed)

    refusal = denied(claims, Environment.PREVIEW, run=run_of(claims, attempt=live))

    assert refusal.code == code


def test_a_run_that_github_does_not_know_is_refused_even_for_a_push() -> None:
    refusal = denied(claims_of(), Environment.PREVIEW, run=None, is_run_missing=True)

    assert (refusal.code, refusal.http_status) == ("contradiction", 403)


@pytest.mark.parametrize(
    "spoiled",
    [
        {"id": 901},
        {"repository_id": 43},
        {"event": "pull_request_target"},
        {"head_sha": "d" * 40},
        {"head_repository_id": 99},
        {"attempt": 2},
        {"is_completed": True},
    ],
    ids=str,
)
@pytest.mark.parametrize("environment", [Environment.PRODUCTION, Environment.PREVIEW])
def test_a_run_that_contradicts_the_token_is_refused(
    spoiled: dict[str, Any], environment: Environment
) -> None:
    claims = claims_of()

    assert denied(claims, environment, run=run_of(claims, **spoiled)).http_status == 403


def branch_refusal(event: str, ref: str, head_branch: str | None) -> Denied | None:
    claims = claims_of(event, ref)
    name = None if head_branch is None else BranchName(head_branch)
    facts = facts_of(claims, run=run_of(claims, head_branch=name))
    return next(
        (
            found
            for environment in (Environment.PREVIEW, Environment.BRANCH, Environment.PRODUCTION)
            if isinstance(found := decide(claims, facts, environment), Denied)
            and found.code == "other_branch"
        ),
        None,
    )


QUEUE = "gh-readonly-queue/main/pr-5-abc"


@pytest.mark.parametrize(
    ("event", "ref", "head_branch"),
    [
        ("push", "refs/heads/main", "feature/x"),
        ("push", "refs/heads/feature/x", "main"),
        ("push", "refs/heads/main", "Main"),
        ("push", "refs/heads/main", "refs/heads/main"),
        ("push", "refs/heads/refs/heads/main", "main"),
        ("workflow_dispatch", "refs/heads/main", "feature/x"),
        ("schedule", "refs/heads/main", "feature/x"),
        ("merge_group", f"refs/heads/{QUEUE}", "main"),
        ("pull_request", "refs/pull/5/merge", "main"),
        ("pull_request", "refs/pull/5/merge", "refs/pull/5/merge"),
    ],
)
def test_a_token_for_another_branch_than_the_runs_is_refused(
    event: str, ref: str, head_branch: str
) -> None:
    refusal = branch_refusal(event, ref, head_branch)

    assert refusal is not None
    assert refusal.http_status == 403


@pytest.mark.parametrize(
    ("event", "ref", "head_branch"),
    [
        ("push", "refs/heads/main", "main"),
        ("push", "refs/heads/main", None),
        ("push", "refs/heads/refs/heads/main", "refs/heads/main"),
        ("push", "refs/tags/v1", "v1"),
        ("push", "refs/tags/main", "main"),
        ("workflow_dispatch", "refs/heads/feature/x", "feature/x"),
        ("schedule", "refs/heads/main", "main"),
        ("merge_group", f"refs/heads/{QUEUE}", QUEUE),
        ("pull_request", "refs/pull/5/merge", "feature/x"),
    ],
)
def test_a_token_for_the_runs_branch_is_not_refused_for_it(
    event: str, ref: str, head_branch: str | None
) -> None:
    assert branch_refusal(event, ref, head_branch) is None


@pytest.mark.parametrize("spoiled", [{"id": 43}, {"owner_id": 8}, {"is_archived": True}], ids=str)
@pytest.mark.parametrize("source", ["live", "repository"])
def test_stored_and_live_repository_must_both_agree_with_the_token(
    spoiled: dict[str, Any], source: str
) -> None:
    refusal = denied(claims_of(), Environment.PREVIEW, **{source: replace(REPOSITORY, **spoiled)})

    assert refusal.http_status == 403


def test_unknown_and_uninstalled_repositories_get_the_same_answer() -> None:
    unknown = denied(claims_of(), Environment.PREVIEW, repository=None)
    uninstalled = denied(claims_of(), Environment.PREVIEW, installation=InstallationState.REMOVED)

    assert unknown == uninstalled


def test_an_app_without_an_instance_has_nothing_to_give() -> None:
    assert denied(claims_of(), Environment.PREVIEW, policies=None).code == "not_assigned"

"""Revisions: which databases a commit on a ref reaches, in order, or the reason why none."""

from dataclasses import replace
from typing import Any

import pytest

from app.core.assignments import Policies, PreviewPolicy
from app.core.claims import Claims
from app.core.environments import Environment
from app.core.facts import Denied
from app.core.identifiers import BranchName, CommitSha, PullRequestNumber, RepositoryId
from app.core.reasons import MIGRATED_BY_PUSH, Unreached
from app.core.revisions import Reach, pull_request_of, reached
from tests.unit import jobs
from tests.unit.jobs import REPOSITORY, claims_of, facts_of, run_of

PRODUCTION, BRANCH, PREVIEW = Environment.PRODUCTION, Environment.BRANCH, Environment.PREVIEW
QUEUE = "refs/heads/gh-readonly-queue/main/pr-5-abc"
TEST_MERGE = "refs/pull/5/merge"


def reach_of(claims: Claims, *requested: Environment, **changes: Any) -> tuple[Any, ...]:
    """Environments, primary and branch, as one row of a table."""
    reach = reached(claims, facts_of(claims, **changes), requested=requested)
    assert isinstance(reach, Reach), reach
    return reach.environments, reach.primary, reach.branch


def reason_for(claims: Claims, *requested: Environment, **changes: Any) -> Unreached:
    reach = reached(claims, facts_of(claims, **changes), requested=requested)
    assert isinstance(reach, Unreached), reach
    return reach


@pytest.mark.parametrize(
    ("event", "ref", "expected"),
    [
        ("push", "refs/heads/main", ((PREVIEW, PRODUCTION), PRODUCTION, None)),
        ("workflow_dispatch", "refs/heads/main", ((PREVIEW, PRODUCTION), PRODUCTION, None)),
        ("schedule", "refs/heads/main", ((PREVIEW, PRODUCTION), PRODUCTION, None)),
        ("push", "refs/heads/feature/x", ((BRANCH, PREVIEW), BRANCH, "feature/x")),
        ("workflow_dispatch", "refs/heads/feature/x", ((BRANCH, PREVIEW), BRANCH, "feature/x")),
        ("pull_request", TEST_MERGE, ((BRANCH, PREVIEW), BRANCH, "feature/x")),
        ("merge_group", QUEUE, ((PREVIEW,), PREVIEW, None)),
    ],
)
def test_a_revision_reaches_what_the_table_says(
    event: str, ref: str, expected: tuple[Any, ...]
) -> None:
    assert reach_of(claims_of(event, ref)) == expected


def test_a_pull_request_from_the_default_branch_reaches_preview_alone() -> None:
    claims = claims_of("pull_request", TEST_MERGE, head_ref="main")

    assert reach_of(claims) == ((PREVIEW,), PREVIEW, None)


@pytest.mark.parametrize(
    ("event", "ref", "code"),
    [
        ("pull_request_target", "refs/heads/main", "event"),
        ("workflow_run", "refs/heads/main", "event"),
        ("", "refs/heads/main", "event"),
        ("invented_tomorrow", "refs/heads/main", "event"),
        ("push", "refs/tags/v1", "tag"),
        ("workflow_dispatch", "refs/tags/main", "tag"),
        ("push", QUEUE, "merge_queue"),
        ("merge_group", "refs/heads/main", "merge_queue"),
        ("merge_group", "refs/heads/feature/x", "merge_queue"),
        ("merge_group", "refs/tags/v1", "merge_queue"),
        ("push", "refs/heads/wip/x", "ignored_branch"),
        ("push", "refs/heads/caf\ufffd", "impossible_branch"),
        ("push", "refs/heads/a b", "impossible_branch"),
        ("push", "refs/notes/commits", "impossible_branch"),
        ("push", "", "impossible_branch"),
        ("schedule", "refs/heads/feature/x", "schedule"),
        ("pull_request", "refs/heads/feature/x", "pull_request"),
        ("pull_request", "refs/pull/5/head", "pull_request"),
        ("pull_request", "refs/pull/05/merge", "pull_request"),
        ("pull_request", "refs/pull/6/merge", "pull_request"),
    ],
)
def test_everything_else_reaches_nothing_and_says_why(event: str, ref: str, code: str) -> None:
    policies = Policies(ignore_patterns=("wip/**",))

    assert reason_for(claims_of(event, ref), policies=policies).code == code


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"is_open": False}, "pull_request_closed"),
        ({"head_repository_id": RepositoryId(99)}, "fork"),
        ({"head_repository_id": None}, "fork"),
        ({"head_sha": CommitSha("c" * 40)}, "pull_request_moved"),
        ({"head_branch": BranchName("renamed")}, "pull_request_moved"),
        ({"number": PullRequestNumber(6)}, "pull_request"),
        ({"repository_id": RepositoryId(43)}, "pull_request"),
    ],
)
def test_a_pull_request_must_be_the_one_the_job_was_made_for(
    changes: dict[str, Any], code: str
) -> None:
    claims = claims_of("pull_request", TEST_MERGE)

    reason = reason_for(claims, pull_request=jobs.pull_request_of(claims, **changes))

    assert reason.code == code


@pytest.mark.parametrize(("event", "ref"), [("pull_request", TEST_MERGE), ("push", QUEUE)])
@pytest.mark.parametrize("head", [None, RepositoryId(99)])
def test_a_run_of_a_fork_reaches_nothing(event: str, ref: str, head: RepositoryId | None) -> None:
    claims = claims_of(event, ref)

    assert reason_for(claims, run=run_of(claims, head_repository_id=head)).code == "fork"


def test_a_fork_cannot_borrow_the_name_of_a_branch() -> None:
    claims = claims_of("pull_request", TEST_MERGE, head_ref="feature/x")
    fork = jobs.pull_request_of(claims, head_repository_id=RepositoryId(99))
    run = run_of(claims, head_repository_id=RepositoryId(99))

    assert reason_for(claims, run=run, pull_request=fork).code == "fork"


@pytest.mark.parametrize(
    ("policy", "event", "ref", "expected"),
    [
        (PreviewPolicy.DEFAULT_BRANCH, "push", "refs/heads/main", (PREVIEW, PRODUCTION)),
        (PreviewPolicy.DEFAULT_BRANCH, "push", "refs/heads/x", (BRANCH,)),
        (PreviewPolicy.DEFAULT_BRANCH, "pull_request", TEST_MERGE, (BRANCH,)),
        (PreviewPolicy.OFF, "push", "refs/heads/main", (PRODUCTION,)),
        (PreviewPolicy.OFF, "push", "refs/heads/x", (BRANCH,)),
    ],
)
def test_the_preview_policy_takes_preview_away(
    policy: PreviewPolicy, event: str, ref: str, expected: tuple[Environment, ...]
) -> None:
    environments, _, _ = reach_of(claims_of(event, ref), policies=Policies(preview=policy))

    assert environments == expected


@pytest.mark.parametrize("policy", [PreviewPolicy.DEFAULT_BRANCH, PreviewPolicy.OFF])
def test_a_merge_group_without_preview_reaches_nothing(policy: PreviewPolicy) -> None:
    reason = reason_for(claims_of("merge_group", QUEUE), policies=Policies(preview=policy))

    assert reason.code == "preview_off"


@pytest.mark.parametrize(
    ("ref", "requested", "expected"),
    [
        ("refs/heads/x", (BRANCH,), ((BRANCH,), BRANCH, "x")),
        ("refs/heads/x", (PREVIEW,), ((PREVIEW,), PREVIEW, None)),
        ("refs/heads/x", (PREVIEW, BRANCH), ((BRANCH, PREVIEW), BRANCH, "x")),
        ("refs/heads/x", (BRANCH, PRODUCTION), ((BRANCH,), BRANCH, "x")),
        ("refs/heads/main", (PRODUCTION,), ((PRODUCTION,), PRODUCTION, None)),
        ("refs/heads/main", (PREVIEW,), ((PREVIEW,), PREVIEW, None)),
        ("refs/heads/main", (PRODUCTION, PREVIEW), ((PREVIEW, PRODUCTION), PRODUCTION, None)),
    ],
)
def test_a_workflow_may_ask_for_less(
    ref: str, requested: tuple[Environment, ...], expected: tuple[Any, ...]
) -> None:
    assert reach_of(claims_of("push", ref), *requested) == expected


def test_a_workflow_cannot_ask_for_more() -> None:
    reason = reason_for(claims_of("push", "refs/heads/x"), PRODUCTION, Environment.DEV)

    assert reason.code == "not_requested"
    assert "reaches branch and preview" in reason.message
    assert "asked for production, dev only" in reason.message


def test_asking_for_something_changes_no_reason() -> None:
    assert reason_for(claims_of("push", "refs/tags/v1"), BRANCH).code == "tag"


@pytest.mark.parametrize("ref", ["refs/heads/main", "refs/pull/5/head"])
def test_a_pull_request_job_without_a_test_merge_is_a_skip_and_no_outage(ref: str) -> None:
    assert reason_for(claims_of("pull_request", ref), pull_request=None).code == "pull_request"


def test_a_pull_request_job_that_names_no_head_reaches_nothing() -> None:
    claims = claims_of("pull_request", TEST_MERGE, head_ref="")

    assert reason_for(claims).code == "pull_request"


def test_the_live_default_branch_counts_not_the_stored_one() -> None:
    live = replace(REPOSITORY, default_branch=BranchName("trunk"))

    assert reach_of(claims_of("push", "refs/heads/main"), live=live)[1:] == (BRANCH, "main")
    assert reach_of(claims_of("push", "refs/heads/trunk"), live=live)[1] is PRODUCTION


def test_the_stored_default_branch_counts_while_github_is_silent() -> None:
    environments, _, _ = reach_of(claims_of("push", "refs/heads/main"), live=None, run=None)

    assert environments == (PREVIEW, PRODUCTION)


@pytest.mark.parametrize(
    ("event", "changes", "code"),
    [
        ("push", {"repository": None}, "not_installed"),
        ("pull_request_target", {"repository": None}, "not_installed"),
        ("push", {"policies": None}, "not_assigned"),
        ("workflow_dispatch", {"live": None}, "github_unavailable"),
    ],
)
def test_a_misconfiguration_or_outage_is_a_refusal_and_no_skip(
    event: str, changes: dict[str, Any], code: str
) -> None:
    claims = claims_of(event)

    answer = reached(claims, facts_of(claims, **changes))

    assert isinstance(answer, Denied)
    assert answer.code == code


@pytest.mark.parametrize(
    ("ref", "ref_type"), [("refs/heads/main", "tag"), ("refs/tags/v", "branch")]
)
def test_a_token_that_contradicts_itself_is_a_refusal(ref: str, ref_type: str) -> None:
    claims = claims_of("push", ref, ref_type=ref_type)

    answer = reached(claims, facts_of(claims))

    assert isinstance(answer, Denied)
    assert answer.code == "contradiction"


def test_reasons_show_hostile_names_harmlessly() -> None:
    policies = Policies(ignore_patterns=("**",))

    reason = reason_for(claims_of("push", "refs/heads/a\u202eb\u2028::error::"), policies=policies)

    assert r'"a\u202eb\u2028::error::"' in reason.message


def test_reasons_show_readable_names_as_they_are() -> None:
    assert '"日本/été"' in MIGRATED_BY_PUSH.of(BranchName("日本/été")).message


def test_a_long_name_is_cut_in_a_reason() -> None:
    reason = MIGRATED_BY_PUSH.of(BranchName("x" * 1000))

    assert len(reason.message) < 250


@pytest.mark.parametrize(
    ("ref", "number"), [(TEST_MERGE, 5), ("refs/pull/5/head", None), ("refs/heads/main", None)]
)
def test_the_ref_of_a_test_merge_names_its_pull_request(ref: str, number: int | None) -> None:
    assert pull_request_of(claims_of("pull_request", ref)) == number

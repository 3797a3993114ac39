"""Revisions: which databases a commit on a ref reaches, and in which order."""

import re
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from app.core import reasons
from app.core.admission import job_refusal, not_assigned, repository_refusal
from app.core.assignments import Parent, Policies, PreviewPolicy
from app.core.branches import branch_of_ref, is_merge_queue
from app.core.claims import Claims
from app.core.environments import Environment
from app.core.facts import Denied, Facts
from app.core.identifiers import BranchName, PullRequestNumber
from app.core.reasons import Unreached

_TEST_MERGE = re.compile(r"refs/pull/([1-9][0-9]{0,17})/merge")


@dataclass(frozen=True, slots=True, kw_only=True)
class Reach:
    """The databases of a revision."""

    environments: tuple[Environment, ...]
    """In the order in which they are migrated; never empty."""
    primary: Environment
    branch: BranchName | None
    """Of the `branch` database; None when the revision reaches none."""

    def without_template(self) -> "Reach":
        """The same for a job that makes none."""
        kept = (one for one in self.environments if one is not Environment.TEMPLATE)
        return replace(self, environments=tuple(kept))


def pull_request_of(claims: Claims) -> PullRequestNumber | None:
    """The pull request whose test merge this job runs on, by its ref."""
    match = _TEST_MERGE.fullmatch(claims.ref)
    return PullRequestNumber(int(match[1])) if match else None


def source_branch_of(claims: Claims) -> BranchName | None:
    """The branch whose head the job is about, the default branch and a merge queue's included."""
    if claims.event_name == "pull_request":
        return BranchName(claims.head_ref) if claims.head_ref else None
    return branch_of_ref(claims.ref)


def reached(
    claims: Claims, facts: Facts, *, requested: Collection[Environment] = ()
) -> Reach | Unreached | Denied:
    """Which databases a job's revision reaches, or why it gets none.

    `Unreached` is how things are (a fork, a tag): the Action skips. `Denied` is a misconfiguration,
    an outage or an attack: the step fails, or asks again. `requested` narrows the answer and never
    widens it; empty asks for everything.
    """
    policies = facts.policies
    if denied := repository_refusal(claims, facts):
        return denied
    if policies is None:
        return not_assigned()
    if claims.event_name not in _EVENTS:
        return reasons.EVENT.of(claims.event_name)
    if claims.event_name == "pull_request" and pull_request_of(claims) is None:
        return reasons.NO_TEST_MERGE.of(claims.ref)
    if denied := job_refusal(claims, facts):
        return denied
    if facts.run and facts.run.head_repository_id != claims.repository_id:
        return reasons.FORK
    return _narrowed(_EVENTS[claims.event_name](claims, facts, policies), requested)


def _push(claims: Claims, facts: Facts, policies: Policies) -> Reach | Unreached:
    if claims.ref_type == "tag":
        return reasons.TAG.of(claims.ref)
    branch = branch_of_ref(claims.ref)
    if branch is None:
        return reasons.impossible_branch(claims.ref)
    if branch != facts.default_branch:
        return _beside_default(branch, facts, policies)
    preview = () if policies.preview is PreviewPolicy.OFF else (Environment.PREVIEW,)
    template = (Environment.TEMPLATE,) if policies.parent is Parent.FIXTURE else ()
    return Reach(
        environments=(*preview, Environment.PRODUCTION, *template),
        primary=Environment.PRODUCTION,
        branch=None,
    )


def _schedule(claims: Claims, facts: Facts, policies: Policies) -> Reach | Unreached:
    if branch_of_ref(claims.ref) != facts.default_branch:
        return reasons.SCHEDULE_ELSEWHERE
    return _push(claims, facts, policies)


def _pull_request(claims: Claims, facts: Facts, policies: Policies) -> Reach | Unreached:
    pull_request, run = facts.pull_request, facts.run
    if pull_request is None or run is None or not claims.head_ref:
        return reasons.NO_TEST_MERGE.of(claims.ref)
    asked_for = (claims.repository_id, pull_request_of(claims))
    if (pull_request.repository_id, pull_request.number) != asked_for:
        return reasons.NO_TEST_MERGE.of(claims.ref)
    if pull_request.is_from_fork:
        return reasons.FORK
    if not pull_request.is_open:
        return reasons.PULL_REQUEST_CLOSED
    if (pull_request.head_branch, pull_request.head_sha) != (claims.head_ref, run.head_sha):
        return reasons.PULL_REQUEST_MOVED
    if pull_request.head_branch == facts.default_branch:
        return _preview_alone(policies)
    return _beside_default(pull_request.head_branch, facts, policies)


def _merge_group(claims: Claims, facts: Facts, policies: Policies) -> Reach | Unreached:
    branch = branch_of_ref(claims.ref)
    if branch is None or not is_merge_queue(branch):
        return reasons.NOT_MERGE_QUEUE.of(claims.ref)
    return _preview_alone(policies)


def _beside_default(branch: BranchName, facts: Facts, policies: Policies) -> Reach | Unreached:
    why = reasons.without_database(
        branch, default_branch=facts.default_branch, ignore_patterns=policies.ignore_patterns
    )
    if why is not None:
        return why
    shares_preview = policies.preview is PreviewPolicy.SHARED
    preview = (Environment.PREVIEW,) if shares_preview else ()
    return Reach(
        environments=(Environment.BRANCH, *preview), primary=Environment.BRANCH, branch=branch
    )


def _preview_alone(policies: Policies) -> Reach | Unreached:
    if policies.preview is not PreviewPolicy.SHARED:
        return reasons.PREVIEW_OFF
    return Reach(environments=(Environment.PREVIEW,), primary=Environment.PREVIEW, branch=None)


def _narrowed(reach: Reach | Unreached, requested: Collection[Environment]) -> Reach | Unreached:
    if isinstance(reach, Unreached) or not requested:
        return reach
    kept = tuple(one for one in reach.environments if _goes_with(one) in requested)
    if not kept:
        return reasons.not_requested(" and ".join(reach.environments), ", ".join(requested))
    is_primary_kept = reach.primary in kept
    return Reach(
        environments=kept,
        primary=reach.primary if is_primary_kept else kept[0],
        branch=reach.branch if Environment.BRANCH in kept else None,
    )


def _goes_with(environment: Environment) -> Environment:
    """A template is made of what production was migrated to; nobody asks for it alone."""
    return Environment.PRODUCTION if environment is Environment.TEMPLATE else environment


_EVENTS: Mapping[str, Callable[[Claims, Facts, Policies], Reach | Unreached]] = {
    "push": _push,
    "workflow_dispatch": _push,
    "schedule": _schedule,
    "pull_request": _pull_request,
    "merge_group": _merge_group,
}
"""Every event that can reach a database: all others get none, those that GitHub will invent too."""

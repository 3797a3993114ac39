"""Admission: whether a job may ask for databases at all, whichever they are."""

from app.core.claims import Claims
from app.core.facts import Denied, Facts
from app.core.markdown import quoted
from app.core.repositories import InstallationState, WorkflowRun

# An outage of GitHub lasts longer than a moment, and the Action asks five times.
_RETRY_GITHUB_SECONDS = 5

_BRANCHES = "refs/heads/"
_NEEDS_GITHUB = frozenset({"pull_request", "merge_group", "workflow_dispatch", "schedule"})
"""Events that are refused while GitHub cannot confirm them. For `push` the token is enough: only
someone who may write to the repository makes such a run."""


def job_refusal(claims: Claims, facts: Facts) -> Denied | None:
    """Why the token is not believed: it contradicts itself or GitHub, or GitHub cannot say.

    Only for events that can reach a database: others mean other things by their commit.
    """
    return _ref_refusal(claims) or _run_refusal(claims, facts) or _outage_refusal(claims, facts)


def github_unavailable() -> Denied:
    """GitHub could not confirm what a decision needs."""
    return Denied(
        code="github_unavailable",
        message="GitHub could not be asked about this workflow run.",
        advice="Nothing to do: the Action asks again. If it goes on, look at githubstatus.com.",
        http_status=503,
        retry_after_seconds=_RETRY_GITHUB_SECONDS,
    )


def not_assigned() -> Denied:
    """The repository is known, but no app of it has an instance."""
    return Denied(
        code="not_assigned",
        message="This repository's app is not assigned to an instance.",
        advice="An operator assigns it with `coppice apps assign OWNER/REPO INSTANCE`.",
    )


def repository_refusal(claims: Claims, facts: Facts) -> Denied | None:
    """Why this repository's jobs get nothing at present. Names never decide, only ids do."""
    stored = facts.repository
    is_known = stored is not None and stored.id == claims.repository_id
    if stored is None or not is_known or facts.installation is InstallationState.REMOVED:
        # One answer for both, so that nobody learns which repositories use this service.
        return Denied(
            code="not_installed",
            message=f"This service does not know the repository {quoted(claims.repository)}.",
            advice="Install its GitHub App on the repository and assign an app to an instance.",
        )
    if any(known.owner_id != claims.owner_id for known in (stored, facts.live) if known):
        return Denied(
            code="owner_changed",
            message="The repository has another owner than the one this service knows.",
            advice="After a transfer, install the GitHub App for the new owner.",
        )
    if facts.live and facts.live.id != claims.repository_id:
        return _contradiction("GitHub's answer is about another repository")
    if facts.installation is InstallationState.SUSPENDED:
        return Denied(
            code="installation_suspended",
            message="The GitHub App's installation is suspended.",
            advice="An owner can resume it in the account's settings, under GitHub Apps.",
        )
    if any(known.is_archived for known in (stored, facts.live) if known):
        return Denied(
            code="archived",
            message="The repository is archived, so its databases are not given out.",
            advice="Unarchive the repository on GitHub to use its databases again.",
        )
    return None


def _ref_refusal(claims: Claims) -> Denied | None:
    says_tag = claims.ref.startswith("refs/tags/")
    if claims.ref_type != ("tag" if says_tag else "branch"):
        return _contradiction(f"ref {quoted(claims.ref)} is not a {quoted(claims.ref_type)}")
    return None


def _run_refusal(claims: Claims, facts: Facts) -> Denied | None:
    """Compare the token with the run that it says it comes from.

    The head repository is left to `revisions`: a fork is a reason to skip, not to fail.
    """
    run = facts.run
    if run is None:
        return _contradiction("GitHub knows no such workflow run") if facts.is_run_missing else None
    if run.repository_id != claims.repository_id or run.id != claims.run_id:
        return _contradiction("the workflow run belongs to another repository")
    if run.is_completed or run.attempt > claims.run_attempt:
        return Denied(
            code="run_completed",
            message="The workflow run that this token was made for has ended.",
            advice="Re-run the workflow; a token is good for its own run only.",
        )
    # A pull_request job is built from a test merge: its `sha` is not the head's.
    is_other_commit = claims.event_name != "pull_request" and run.head_sha != claims.sha
    if is_other_commit or run.event != claims.event_name or run.attempt != claims.run_attempt:
        return _contradiction("GitHub tells another event, commit or attempt for this workflow run")
    return _branch_refusal(claims, run)


def _branch_refusal(claims: Claims, run: WorkflowRun) -> Denied | None:
    """Compare the branch of the token with the run's; where GitHub names none, the token is enough.

    Exact text, one prefix taken away. A run of a tag bears the tag's name there; what is no branch
    reaches nothing anyway.
    """
    if claims.event_name == "pull_request":
        branch = claims.head_ref
    else:
        branch = claims.ref.removeprefix(_BRANCHES) if claims.ref.startswith(_BRANCHES) else ""
    if not branch or run.head_branch in (None, branch):
        return None
    return Denied(
        code="other_branch",
        message=f"The token is for the branch {quoted(branch)}, and GitHub tells another one for"
        " this workflow run.",
        advice="Re-run the workflow. If it happens again, tell the operators of this service.",
    )


def _outage_refusal(claims: Claims, facts: Facts) -> Denied | None:
    if claims.event_name not in _NEEDS_GITHUB:
        return None
    is_complete = facts.run is not None and facts.live is not None
    if claims.event_name == "pull_request":
        is_complete = is_complete and facts.pull_request is not None
    return None if is_complete else github_unavailable()


def _contradiction(what: str) -> Denied:
    return Denied(
        code="contradiction",
        message=f"The token and GitHub's answer disagree: {what}.",
        advice="Re-run the workflow. If it happens again, tell the operators of this service.",
    )

"""Authorisation: whether a job may be given one database. Every grant in Coppice passes here."""

import re
from dataclasses import dataclass

from app.core.admission import github_unavailable
from app.core.assignments import BotPolicy, Policies, RunnerPolicy
from app.core.claims import Claims
from app.core.databases import DatabaseState
from app.core.environments import Environment
from app.core.facts import Denied as Denied
from app.core.facts import Facts as Facts
from app.core.identifiers import BranchName
from app.core.markdown import quoted
from app.core.reasons import Unreached
from app.core.revisions import Reach, reached
from app.core.runs import CredentialKind

_PINNED = re.compile(r".+@[0-9a-f]{40}", re.DOTALL)
_RETRY_DATABASE_SECONDS = 1

# What is under way while a job waits, as stable code and in words. The caller starts it.
_UNDER_WAY = {
    DatabaseState.CREATING: ("creating", "is being created"),
    DatabaseState.GONE: ("creating", "is being created"),
    DatabaseState.DELETED: ("restoring", "was deleted and is being restored"),
    DatabaseState.ERROR: ("fixing", "had an error and is being fixed"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowed:
    """The job may have this database, and no other is meant."""

    environment: Environment
    branch: BranchName | None
    """For `branch`: whose database it is."""


def decide(
    claims: Claims,
    facts: Facts,
    environment: Environment,
    *,
    credentials: CredentialKind = CredentialKind.JOB,
) -> Allowed | Denied:
    """Whether the job may have its database of this environment, now.

    The database's state is looked at last: 409 means that the job will be let in once it is ready.
    """
    reach = reached(claims, facts)
    if isinstance(reach, Denied):
        return reach
    if isinstance(reach, Unreached):
        return Denied(code=reach.code, message=reach.message, advice=reach.advice)
    if environment not in reach.environments:
        return _not_reached(reach, environment)
    if environment.counts_as_production:
        denied = _production_refusal(claims, facts, credentials=credentials)
        if denied:
            return denied
    if facts.database_state is not DatabaseState.READY:
        return _not_ready(facts.database_state or DatabaseState.CREATING)
    is_branch = environment is Environment.BRANCH
    return Allowed(environment=environment, branch=reach.branch if is_branch else None)


def _not_reached(reach: Reach, environment: Environment) -> Denied:
    return Denied(
        code="not_reached",
        message=f"This revision reaches {' and '.join(reach.environments)}, not {environment}.",
        advice="Production belongs to the default branch; a branch job gets its own branch only.",
    )


def _not_ready(state: DatabaseState) -> Denied:
    code, words = _UNDER_WAY[state]
    return Denied(
        code=code,
        message=f"The database {words}.",
        advice="Nothing to do: the Action asks again until it is ready.",
        http_status=409,
        retry_after_seconds=_RETRY_DATABASE_SECONDS,
    )


def _production_refusal(
    claims: Claims, facts: Facts, *, credentials: CredentialKind
) -> Denied | None:
    """What production asks for beyond a run on the default branch."""
    policies = facts.policies
    if facts.live is None or facts.run is None or policies is None:
        # The stored default branch may be an old one, and the run may be over.
        return github_unavailable()
    return (
        _environment_refusal(claims, policies)
        or _workflow_refusal(claims, policies, default_branch=facts.live.default_branch)
        or _runner_refusal(claims, policies)
        or _bot_refusal(claims, policies)
        or _runtime_refusal(policies, credentials)
    )


def _environment_refusal(claims: Claims, policies: Policies) -> Denied | None:
    wanted = policies.production_environment
    # https://docs.github.com/en/actions/reference/workflows-and-actions/deployments-and-environments
    # Names of environments are not case-sensitive.
    if not wanted or claims.environment.lower() == wanted.lower():
        return None
    return Denied(
        code="environment_missing",
        message=f"Production is given only to jobs with the GitHub environment {quoted(wanted)}.",
        advice=f"Add `environment: {wanted}` to the job.",
    )


def _workflow_refusal(
    claims: Claims, policies: Policies, *, default_branch: BranchName
) -> Denied | None:
    """Hold the workflow that defines the job to the repository's own, or to the allow list.

    A branch name may hold `@`: everything after the first one is the ref, so that a branch called
    `x@refs/heads/main` is not taken for `main`.
    """
    called = claims.job_workflow_ref
    if _PINNED.fullmatch(called) and called in policies.allowed_workflows:
        return None
    path, _, ref = called.partition("@")
    folder = f"{claims.repository}/.github/workflows/"
    if path.lower().startswith(folder.lower()) and ref == f"refs/heads/{default_branch}":
        return None
    return Denied(
        code="workflow_not_allowed",
        message=f"The workflow {quoted(called)} may not have production.",
        advice=(
            "Production is given to this repository's own workflows on the default branch. A "
            "reusable workflow from elsewhere must be called by its full commit "
            "(`owner/repo/path@<40 hex digits>`) and be on the app's list of allowed workflows."
        ),
    )


def _runner_refusal(claims: Claims, policies: Policies) -> Denied | None:
    is_hosted = claims.runner_environment == "github-hosted"
    if policies.runners is RunnerPolicy.ANY or is_hosted:
        return None
    return Denied(
        code="runner_not_allowed",
        message="The assignment gives production to GitHub-hosted runners only.",
        advice="Use `runs-on: ubuntu-latest`, or ask an operator to change the runner policy.",
    )


def _bot_refusal(claims: Claims, policies: Policies) -> Denied | None:
    actor = claims.actor.lower()
    match policies.bots:
        case BotPolicy.ALL:
            is_refused = False
        case BotPolicy.NO_DEPENDABOT:
            is_refused = actor == "dependabot[bot]"
        case BotPolicy.NONE:
            is_refused = actor.endswith("[bot]")
    if not is_refused:
        return None
    return Denied(
        code="bot_not_allowed",
        message=f"Runs started by {quoted(claims.actor)} do not get production.",
        advice="Start the workflow by hand, or ask an operator to change the app's bot policy.",
    )


def _runtime_refusal(policies: Policies, credentials: CredentialKind) -> Denied | None:
    if credentials is CredentialKind.JOB or policies.runtime_production:
        return None
    return Denied(
        code="runtime_not_allowed",
        message="The assignment does not give production's long-lived login to workflows.",
        advice="Use `credentials: job`, or ask an operator to turn `runtime-production` on.",
    )

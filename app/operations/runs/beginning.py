"""Starting a run of the Action: who asks, for which app, and which databases that reaches."""

from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from app.core import reasons
from app.core.admission import not_assigned, repository_refusal
from app.core.assignments import Assignment, Policies, TracePolicy
from app.core.claims import Claims
from app.core.environments import Environment
from app.core.errors import GitHubUnavailable, Invalid, NotFound
from app.core.facts import Denied, Facts
from app.core.identifiers import AppId, CommitSha, DatabaseName, RunId
from app.core.reasons import Unreached
from app.core.repositories import InstallationState, Repository
from app.core.revisions import Reach, pull_request_of, reached, source_branch_of
from app.core.runs import CredentialKind, Run, RunRequest, most_runs
from app.core.workflow_file import app_line
from app.operations.databases.provisioning import name_for
from app.operations.runs.refusals import Refused, not_your_run, too_many_runs
from app.operations.services import Services
from app.store.store import Store

_MOST_OF_JOB = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Begun:
    """A run that may ask for its databases."""

    run: Run
    is_command_from_workflow: bool
    databases: tuple[tuple[Environment, DatabaseName], ...]
    """In the order in which they are migrated."""
    trace: TracePolicy


def begin(services: Services, token: str, request: RunRequest) -> Begun | Unreached:
    """Record a run, or say why its revision reaches no database.

    Raises Unauthorized, Refused or Invalid when nothing but a change of settings will help.
    """
    claims = services.tokens.verify(token)
    assignment, facts = _admitted(services, claims, request.app)
    reach = reached(claims, facts, requested=request.environments)
    if isinstance(reach, Denied):
        raise Refused(reach)
    if isinstance(reach, Reach) and request.migrate:
        reach = unless_pushed(services, claims, facts, reach, assignment.app.id)
    if isinstance(reach, Unreached):
        return reach
    if not (request.template and request.migrate and request.credentials is CredentialKind.JOB):
        reach = reach.without_template()
    effective = replace(
        request,
        migration_command=_command(request, assignment),
        seed_command=_seed_command(request, assignment),
    )
    basis = _Basis(claims=claims, facts=facts, reach=reach)
    new = _new_run(services, effective, basis, assignment.app.id)
    most = most_runs(new)
    if not services.store.runs.is_room_for(new, key=request.step, most=most):
        raise too_many_runs(most)
    run = services.store.runs.start(new, key=request.step)
    if not _is_of_job(run, claims) or run.app_id != assignment.app.id:
        raise not_your_run()
    return Begun(
        run=run,
        is_command_from_workflow=bool(request.migration_command.strip()),
        databases=tuple((one, _name(services.store, run, one)) for one in run.environments),
        trace=assignment.policies.trace,
    )


def own_run(services: Services, token: str, run_id: RunId) -> tuple[Run, Claims]:
    """The run, if the token was made for its job; raises Refused otherwise."""
    claims = services.tokens.verify(token)
    try:
        run = services.store.runs.get(run_id)
    except NotFound as error:
        raise not_your_run() from error
    if not _is_of_job(run, claims):
        raise not_your_run()
    return run, claims


def place_of_job(services: Services, claims: Claims) -> AbstractContextManager[None]:
    """A place among the requests of one job. Raises TooManyAtOnce."""
    job = (claims.repository_id, claims.run_id, claims.run_attempt, claims.job_id)
    return services.crowd.place(("job", *job), most=_MOST_OF_JOB)


def _is_of_job(run: Run, claims: Claims) -> bool:
    """Whether the run was begun by the very job that asks.

    Another job of the workflow run may have less: not the environment that production needs, say.
    An Enterprise Server that sends no `check_run_id` leaves them alike.
    """
    return (claims.repository_id, claims.run_id, claims.run_attempt, claims.job_id) == (
        run.repository_id,
        run.workflow_run_id,
        run.workflow_attempt,
        run.workflow_job_id,
    )


def assignment_of(store: Store, run: Run) -> Assignment:
    """The assignment that the run's app has now; raises Refused when it has ended."""
    assignment = store.apps.assignment(run.app_id)
    if assignment is None:
        raise Refused(not_assigned())
    return assignment


def _admitted(services: Services, claims: Claims, wanted: str) -> tuple[Assignment, Facts]:
    """The app that is meant, once the repository may ask at all: ids are told to no stranger."""
    facts = facts_of(services, claims, policies=None)
    if denied := repository_refusal(claims, facts):
        raise Refused(denied)
    assigned = services.store.apps.assignments(repository_id=claims.repository_id)
    assignment = _picked(assigned, wanted)
    return assignment, replace(facts, policies=assignment.policies)


def _picked(assigned: Sequence[Assignment], wanted: str) -> Assignment:
    """The one that is named; without a name the repository's first app.

    Its workflow was there before there were others, and goes on. Another one is never taken for
    it: what was written for the first app's databases would migrate those of the other.
    """
    ids = ", ".join(assignment.app.id for assignment in assigned)
    if not assigned:
        raise Refused(not_assigned())
    for assignment in assigned:
        if assignment.app.id == wanted or (not wanted and assignment.app.has_bare_checks):
            return assignment
    if not wanted:
        lines = " or ".join(f"`{app_line(assignment.app.id)}`" for assignment in assigned)
        raise Invalid(
            "The first app of this repository is not assigned any more, and the workflow names no"
            f" other one: {ids}.",
            advice=f"Say which one is meant below `with:` of the step: {lines}",
            code="app_needed",
        )
    raise Refused(
        Denied(
            code="unknown_app",
            message="This repository has no assigned app of that id.",
            advice=f"Set the Action's input `app` to one of: {ids}.",
        )
    )


def _command(request: RunRequest, assignment: Assignment) -> str:
    command = (
        request.migration_command
        if request.migration_command.strip()
        else assignment.migration_command
    )
    if request.migrate and not command.strip():
        raise Invalid(
            "There is no migration command.",
            advice="Set the Action's input `migration-command`, or the assignment's with "
            f"`coppice apps edit {assignment.app.id} --migration-command COMMAND`.",
            code="no_command",
        )
    return command


def _seed_command(request: RunRequest, assignment: Assignment) -> str:
    if not request.migrate:
        return ""
    given = request.seed_command
    return given if given.strip() else assignment.policies.seed_command


@dataclass(frozen=True, slots=True, kw_only=True)
class _Basis:
    """What GitHub vouches for, and what follows from it."""

    claims: Claims
    facts: Facts
    reach: Reach

    @property
    def head_sha(self) -> CommitSha:
        # A pull_request job's own sha is a test merge: checks belong to the head. GitHub is asked
        # for every event but a push during an outage, where both are the same.
        return self.facts.run.head_sha if self.facts.run else self.claims.sha


def _new_run(services: Services, request: RunRequest, basis: _Basis, app_id: AppId) -> Run:
    claims, reach = basis.claims, basis.reach
    return Run(
        app_id=app_id,
        repository_id=claims.repository_id,
        workflow_run_id=claims.run_id,
        workflow_attempt=claims.run_attempt,
        workflow_job_id=claims.job_id,
        job_name=request.job,
        event=claims.event_name,
        head_sha=basis.head_sha,
        branch=reach.branch,
        environments=reach.environments,
        primary=reach.primary,
        migrates=request.migrate,
        credentials=request.credentials,
        export_env=request.export_env,
        credentials_minutes=request.credentials_minutes,
        timeout_minutes=request.timeout_minutes,
        command=request.migration_command,
        seed_command=request.seed_command,
        source_branch=source_branch_of(claims),
        created_at=services.clock(),
    )


def _name(store: Store, run: Run, environment: Environment) -> DatabaseName:
    branch = run.branch if environment is Environment.BRANCH else None
    present = store.databases.live(run.app_id, environment, branch)
    return present.name if present else name_for(store, run.app_id, environment, branch)


def unless_pushed(
    services: Services, claims: Claims, facts: Facts, reach: Reach, app_id: AppId
) -> Reach | Unreached:
    """The reach, unless a push run migrates this head or has migrated it.

    A push run of the same workflow that is under way counts before it has asked for anything; one
    that ended without asking does not, so that a head is never left without a migration.
    """
    if claims.event_name != "pull_request" or facts.run is None or facts.live is None:
        return reach
    branch = facts.run.head_branch or reach.branch
    if branch is None:
        return reach
    head_sha = facts.run.head_sha
    is_recorded = any(
        run.event == "push" and run.app_id == app_id and run.migrates
        for run in services.store.runs.of_commit(claims.repository_id, head_sha)
    )
    is_under_way = is_recorded or any(
        other.event == "push"
        and other.workflow_id == facts.run.workflow_id
        and not other.is_completed
        for other in services.github.workflow_runs(facts.live, head_sha)
    )
    return reasons.MIGRATED_BY_PUSH.of(branch) if is_under_way else reach


def facts_of(services: Services, claims: Claims, *, policies: Policies | None) -> Facts:
    """Everything known about a job; what GitHub cannot say now stays unknown, never "no"."""
    stored = services.store.repositories.get(claims.repository_id)
    if stored is None or stored.installation_id is None:
        return Facts(repository=stored, installation=InstallationState.REMOVED, policies=policies)
    facts = Facts(repository=stored, installation=stored.installation_state, policies=policies)
    try:
        live = services.github.repository(stored.installation_id, stored.full_name)
        if live is None:
            return replace(facts, installation=InstallationState.REMOVED)
        return _of_live(services, claims, replace(facts, live=live), live)
    except GitHubUnavailable:
        return facts


def _of_live(services: Services, claims: Claims, facts: Facts, live: Repository) -> Facts:
    run = services.github.workflow_run(live, claims.run_id)
    facts = replace(facts, run=run, is_run_missing=run is None)
    number = pull_request_of(claims)
    if claims.event_name != "pull_request" or number is None:
        return facts
    return replace(facts, pull_request=services.github.pull_request(live, number))

"""When a run may have one of its databases, and what it gets: its turn, lease and credentials."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from app.core.assignments import Assignment, PreviewPolicy
from app.core.audit import AuditEvent
from app.core.authorization import decide
from app.core.claims import Claims
from app.core.databases import Database
from app.core.environments import Environment
from app.core.errors import ProvisioningFailed, TransientError
from app.core.facts import Denied
from app.core.hosts import NotHere
from app.core.identifiers import RunId
from app.core.people import Actor
from app.core.runs import WELL, Migration, MigrationResult, Outcome, Run
from app.operations.databases import readiness
from app.operations.runs import (
    announcements,
    beginning,
    credentials,
    forwarding,
    leases,
    rebuilds,
    results,
    superseding,
    templates,
)
from app.operations.runs.beginning import assignment_of, own_run, place_of_job
from app.operations.runs.credentials import Credentials
from app.operations.runs.leases import LEASE
from app.operations.runs.refusals import Refused, not_yet
from app.operations.services import Services
from app.store.store import Store

_PASSED = WELL | {MigrationResult.SUPERSEDED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """What a run may do with a database now, as far as its own migrations tell."""

    present: Migration | None = None
    """It has begun, and goes on or gives its stored answer."""
    rebuilt_from: Migration | None = None
    """The failed migration after which the database is emptied first."""
    skipped: str = ""
    """Why the database is left alone, for a person."""


def turn_of(
    store: Store, run: Run, environment: Environment, claims: Claims, assignment: Assignment
) -> Turn:
    """Whether the database's time has come; raises Refused while it has not, or never will."""
    migrations = store.migrations.of_run(run.id)
    own = _last(migrations, environment)
    if own is not None and own.finished_at is not None:
        if _owes_rebuild(store, own, claims, assignment):
            return Turn(rebuilt_from=own)
        return Turn(present=own)
    if own is None and environment is Environment.PRODUCTION:
        return _after_preview(store, run, migrations, claims, assignment)
    if own is None and environment is Environment.TEMPLATE:
        return _after_production(migrations)
    if own is not None and own.rebuilt:
        first = next(one for one in migrations if one.environment is environment)
        return Turn(present=own, rebuilt_from=first)
    return Turn(present=own)


def _after_preview(
    store: Store,
    run: Run,
    migrations: Sequence[Migration],
    claims: Claims,
    assignment: Assignment,
) -> Turn:
    if assignment.policies.preview is PreviewPolicy.OFF:
        return Turn()
    if Environment.PREVIEW not in run.environments:
        return _after_preview_of_commit(store, run)
    preview = _last(migrations, Environment.PREVIEW)
    if preview is None or preview.result is None:
        raise not_yet("waiting", "Production waits for the migration of preview.")
    if preview.result in _PASSED:
        return Turn()
    if _owes_rebuild(store, preview, claims, assignment):
        raise not_yet(
            "waiting", "Production waits for preview, which is made anew and tried again."
        )
    return Turn(skipped="Preview failed: production is untouched.")


def _after_production(migrations: Sequence[Migration]) -> Turn:
    production = _last(migrations, Environment.PRODUCTION)
    if production is None or production.result is None:
        raise not_yet("waiting", "The template waits for the migration of production.")
    if production.result is MigrationResult.SUCCESS:
        return Turn()
    return Turn(skipped="Production was not migrated by this run, so the template stays.")


def _after_preview_of_commit(store: Store, run: Run) -> Turn:
    """For `environments: production`: what preview said to this commit, in whatever run."""
    preview = store.migrations.last_of_commit(run.app_id, Environment.PREVIEW, run.head_sha)
    if preview is not None and preview.result is None:
        raise not_yet("waiting", "Production waits for the migration of preview in another job.")
    if preview is not None and preview.result in WELL:
        return Turn()
    raise Refused(
        Denied(
            code="preview_not_migrated",
            message="Preview was not migrated successfully with this commit, so production stays "
            "untouched.",
            advice="Migrate preview first: leave `environments` empty, or run a job with "
            "`environments: preview` before this one (`needs:`).",
        )
    )


def _owes_rebuild(
    store: Store, migration: Migration, claims: Claims, assignment: Assignment
) -> bool:
    return rebuilds.is_owed(
        migration,
        store.databases.get(migration.database_id),
        claims=claims,
        repository=store.repositories.get(claims.repository_id),
        policies=assignment.policies,
    )


def _last(migrations: Sequence[Migration], environment: Environment) -> Migration | None:
    return next((one for one in reversed(migrations) if one.environment is environment), None)


# Somebody has the database, its login or its server's attention at this moment: the job waits, as
# it does for another run. That a server does not answer at all is told as what it is.
_PASSING = {"busy", "lock_lost", "server_busy", "too_many_requests"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Granted:
    """The database is the run's; without a migration, only the credentials are."""

    credentials: Credentials
    variables: dict[str, str] = field(repr=False)
    lease_seconds: int | None
    """None: there is nothing to migrate, so nothing is held."""
    seeds: bool = False
    """Once it is migrated, the run's seed command follows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NothingToDo:
    """There is no migration to run on this database."""

    result: MigrationResult
    message: str


def ask(
    services: Services, token: str, run_id: RunId, environment: Environment
) -> Granted | NothingToDo:
    """Give a run one of its databases; asking again gives the same answer.

    Raises Refused: 409 while the database or the run's turn is not ready, 503 while GitHub cannot
    confirm what is needed, 403 for good.
    """
    run, claims = own_run(services, token, run_id)
    try:
        with place_of_job(services, claims):
            return _ask(services, run, claims, environment)
    except NotHere as error:
        raise not_yet(error.code, f"{environment} cannot be given yet. {error}") from error
    except TransientError as error:
        if error.code not in _PASSING:
            raise
        raise not_yet("busy", f"{environment} cannot be given yet. {error}") from error


def _ask(
    services: Services, run: Run, claims: Claims, environment: Environment
) -> Granted | NothingToDo:
    if environment not in run.environments:
        raise Refused(_not_of_run(environment))
    assignment = assignment_of(services.store, run)
    if not run.migrates:
        database = _allowed(services, run, claims, assignment, environment)
        with services.crowd.place_at(database, who="jobs"):
            return _go(services, run, claims, database)
    turn = turn_of(services.store, run, environment, claims, assignment)
    skipped = turn.skipped
    if skipped and environment is Environment.PRODUCTION:
        announcements.untouched(services.store, run)
    elif environment is Environment.TEMPLATE and turn.present is None and not skipped:
        skipped = templates.intend(services, run, assignment).why_not
    if skipped:
        return NothingToDo(result=MigrationResult.SKIPPED, message=skipped)
    if turn.present is not None and turn.present.finished_at is not None:
        return _ended(turn.present)
    return _migrate(services, run, claims, assignment, _Context(environment=environment, turn=turn))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Context:
    environment: Environment
    turn: Turn


def _migrate(
    services: Services, run: Run, claims: Claims, assignment: Assignment, place: _Context
) -> Granted | NothingToDo:
    leases.wait_for_others(services, run, place.environment)
    database = _allowed(services, run, claims, assignment, place.environment)
    first = place.turn.rebuilt_from
    is_same = first is not None and database.id == first.database_id
    if first is not None and is_same and database.generation <= first.generation:
        raise not_yet("creating", f"{database.name} is being made anew.")
    if database.environment is Environment.TEMPLATE and templates.needs_fresh(
        services, run, database
    ):
        raise not_yet(
            "creating", f"Another run was at {database.name}, which is sealed or dropped first."
        )
    with services.crowd.place_at(database, who="jobs"):
        migration = leases.take(services, run, database, is_rebuilt=first is not None)
        # Read again: what stood there before the lease was taken may be old.
        database = services.store.databases.get(database.id)
        if superseding.is_superseded(services, run, database):
            outcome = Outcome(result=MigrationResult.SUPERSEDED)
            return _ended(_finish(services, run, migration, outcome))
        announcements.started(services, run, migration)
        try:
            go = _go(services, run, claims, database)
            return replace(go, seeds=results.seed_is_due(services.store, run, assignment, database))
        except ProvisioningFailed as error:
            _finish(services, run, migration, _not_run(error))
            raise


def _allowed(
    services: Services,
    run: Run,
    claims: Claims,
    assignment: Assignment,
    environment: Environment,
) -> Database:
    """The database, if the job may have it now and it is ready; else it is set going."""
    branch = run.branch if environment is Environment.BRANCH else None
    database = services.store.databases.live(run.app_id, environment, branch)
    facts = replace(
        beginning.facts_of(services, claims, policies=assignment.policies),
        database_state=database.state if database else None,
    )
    decision = decide(claims, facts, environment, credentials=run.credentials)
    if isinstance(decision, Denied):
        if database is not None and database.waits_for_person:
            raise Refused(_frozen(database) if database.is_shut else _not_as_it_was(database))
        if decision.http_status == 409:
            readiness.set_going(services, assignment, environment, branch)
        raise Refused(decision)
    if database is None or decision.branch != branch:
        raise Refused(_not_of_run(environment))
    return database


def _finish(services: Services, run: Run, migration: Migration, outcome: Outcome) -> Migration:
    """Close a migration that never ran, and let go of its database."""
    finished = services.store.migrations.finish(migration.id, outcome, at=services.clock())
    services.store.leases.release(migration.id)
    announcements.finished(services, run, finished)
    return finished


def _not_run(error: ProvisioningFailed) -> Outcome:
    """PostgreSQL would not give a login, so the command was not started."""
    return Outcome(
        result=MigrationResult.FAILURE, duration_seconds=0, log_tail=f"{error}\n{error.advice}"
    )


def _go(services: Services, run: Run, claims: Claims, database: Database) -> Granted:
    issued = forwarding.issue(services, run, database)
    job = Actor(name=f"job:{claims.repository} run {run.workflow_run_id}")
    services.acting_as(job, source=services.source).record(
        AuditEvent.CREDENTIALS_ISSUE,
        database.name,
        detail=f"login {issued.user}, run {run.id}, attempt {run.workflow_attempt}, "
        f"token {claims.token_id}",
    )
    return Granted(
        credentials=issued,
        variables=credentials.variables(issued),
        lease_seconds=round(LEASE.total_seconds()) if run.migrates else None,
    )


def _ended(migration: Migration) -> NothingToDo:
    if migration.result is MigrationResult.SUPERSEDED:
        return NothingToDo(
            result=MigrationResult.SUPERSEDED,
            message="A newer commit has been migrated on this database already.",
        )
    raise Refused(
        Denied(
            code="already_ended",
            message=f"This run's migration of {migration.environment} has ended: "
            f"{migration.result}.",
            advice="Re-run the job to migrate again.",
        )
    )


def _frozen(database: Database) -> Denied:
    return Denied(
        code="database_frozen",
        message=f"{database.name} is frozen. {database.reason}",
        advice="Fix or Reset it (dashboard, or `coppice databases fix`); then re-run the job.",
    )


def _not_as_it_was(database: Database) -> Denied:
    return Denied(
        code=database.reason_code or "conflict",
        message=f"{database.name} was ready, and has been changed on its server since."
        f" {database.reason}",
        advice="Once somebody has looked, and used Fix (dashboard, or `coppice databases fix`),"
        " re-run the job.",
    )


def _not_of_run(environment: Environment) -> Denied:
    return Denied(
        code="not_reached",
        message=f"This run does not reach {environment}.",
        advice="Start a new run: what a revision reaches is decided when its run begins.",
    )

"""A run reports how a migration ended, and learns what follows from it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import partial

from app.core import ansi, lifecycle, seeding, traces
from app.core.assignments import Assignment
from app.core.claims import Claims
from app.core.databases import Database
from app.core.environments import Environment
from app.core.errors import CoppiceError, NotFound
from app.core.hosts import NotHere
from app.core.identifiers import RunId
from app.core.intents import FinishTemplate, RebuildDatabase
from app.core.markdown import plain_lines
from app.core.runs import (
    CredentialKind,
    Migration,
    MigrationResult,
    Outcome,
    Run,
    Seeding,
    Unfinished,
)
from app.core.trace_findings import with_acceptance_that_counts
from app.core.traces import Size, Trace
from app.operations.checks.migration_reports import is_neutral
from app.operations.databases.provisioning import measurement
from app.operations.runs import announcements, credentials, rebuilds
from app.operations.runs.beginning import own_run
from app.operations.runs.leases import LEASE
from app.operations.runs.refusals import lease_lost
from app.operations.services import Services
from app.store.store import Store

MAX_LOG_CHARACTERS = 60_000
_LENIENT = {
    Environment.PREVIEW: "It is shared by all branches",
    Environment.TEMPLATE: "New databases go on from the template before it",
}
_NEVER_CONNECTED = "command ended well, but never connected to the database"


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """What the Action says of one migration."""

    result: MigrationResult
    exit_code: int | None
    duration_seconds: float
    log: str
    seed: "Report | None" = None
    """Of the seed command, where one followed a successful migration."""
    unfinished: tuple[Unfinished, ...] = ()
    """Of both commands."""
    trace: Trace | None = None
    """Of the migration command."""
    tables: Mapping[str, Size] | None = None
    """Production's, when its migration had ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What follows for the Action."""

    is_again: bool
    """The database is emptied: ask for it once more."""
    fails: bool
    """The step fails because of it."""
    message: str
    summary: str = ""
    """Markdown for the summary page of the job; empty where there is nothing more to say."""


def renew(services: Services, token: str, run_id: RunId, environment: Environment) -> int:
    """Hold the database for some time more; returns the seconds. Raises Refused (`lease_lost`)."""
    run, _ = own_run(services, token, run_id)
    migration = _last(services.store, run, environment)
    if not services.store.leases.renew(migration.id, expires_at=services.clock() + LEASE):
        raise lease_lost()
    return round(LEASE.total_seconds())


def report(
    services: Services, token: str, run_id: RunId, environment: Environment, told: Report
) -> Verdict:
    """Record how a migration ended and end what the run held; the first report stands.

    Every step may be repeated, so that a report that was cut off is finished by the next one.
    """
    run, claims = own_run(services, token, run_id)
    migration = _last(services.store, run, environment)
    assignment = services.store.apps.assignment(run.app_id)
    if migration.finished_at is None:
        migration = _record(services, run, migration, told)
    is_again = assignment is not None and _owes_rebuild(
        services.store, migration, claims, assignment
    )
    _let_go(services, run, migration, is_again=is_again)
    migration = _last(
        services.store, run, environment
    )  # with what was taken back at its login's end
    if migration.environment is Environment.TEMPLATE and not is_again:
        services.store.queue.add([FinishTemplate(database_id=migration.database_id)])
    summary = ""
    if not is_again:
        summary = announcements.finished(services, run, migration)
        # Not before: a table that it dropped or renamed is judged by what it was.
        _keep_tables(services.store, run, migration, told)
        services.store.queue.add([measurement(services.store.databases.get(migration.database_id))])
    verdict = _verdict(run, migration, is_again=is_again)
    message = f"{verdict.message} {migration.remark}".rstrip()
    return replace(verdict, message=message, summary=summary)


def _record(services: Services, run: Run, migration: Migration, told: Report) -> Migration:
    outcome = Outcome(
        result=told.result,
        exit_code=told.exit_code,
        duration_seconds=told.duration_seconds,
        log_tail=_harmless(services.store, run, migration, told.log),
        seeding=_seeding(services.store, run, migration, told.seed) if told.seed else None,
        log=_coloured(services.store, run, migration, told.log),
        seed_log=_coloured(services.store, run, migration, told.seed.log) if told.seed else "",
        unfinished=_nameable(services.store, run, migration, told.unfinished),
        trace=_traced(services.store, run, migration, told.trace) if told.trace else None,
    )
    return services.store.migrations.finish(migration.id, outcome, at=services.clock())


def _keep_tables(store: Store, run: Run, migration: Migration, told: Report) -> None:
    if told.tables is None or migration.environment is not Environment.PRODUCTION:
        return
    secrets = _secrets(store, run, migration)
    safe = {
        name: size
        for name, size in told.tables.items()
        if not any(secret in name for secret in secrets)
    }
    store.measurements.keep_tables(
        run.app_id, safe, at=migration.finished_at or migration.started_at
    )


def _seeding(store: Store, run: Run, migration: Migration, told: Report) -> Seeding:
    return Seeding(
        result=told.result,
        exit_code=told.exit_code,
        duration_seconds=told.duration_seconds,
        log_tail=_harmless(store, run, migration, told.log),
    )


def _harmless(store: Store, run: Run, migration: Migration, log: str) -> str:
    """The end of the log without the password, which the Action should have removed already."""
    shown = plain_lines(log)
    for secret in _secrets(store, run, migration):
        shown = shown.replace(secret, "***")
    return shown[-MAX_LOG_CHARACTERS:]


def _nameable(
    store: Store, run: Run, migration: Migration, unfinished: Iterable[Unfinished]
) -> tuple[Unfinished, ...]:
    """The names without the password, which a command may give to anything."""
    secrets = _secrets(store, run, migration)

    def is_safe(one: Unfinished) -> bool:
        return not any(secret in f"{one.namespace} {one.table} {one.name}" for secret in secrets)

    return tuple(filter(is_safe, unfinished))


def _traced(store: Store, run: Run, migration: Migration, trace: Trace) -> Trace:
    """The trace without the password, which the Action should have removed already.

    Whether a comment beside a statement accepts it is decided here, once for all who tell of it.
    """
    secrets = _secrets(store, run, migration)
    return traces.within_limits(traces.without(with_acceptance_that_counts(trace), secrets))


def _coloured(store: Store, run: Run, migration: Migration, log: str) -> str:
    """All of the log, for the dashboard; without the password too."""
    return ansi.harmless(log, _secrets(store, run, migration))


def _secrets(store: Store, run: Run, migration: Migration) -> list[str]:
    if run.credentials is CredentialKind.RUNTIME:
        password = store.databases.password(migration.database_id)
        return [password] if password else []
    return [
        store.job_logins.password(login.id)
        for login in store.job_logins.of_database(migration.database_id)
        if login.run_id == run.id
    ]


def _let_go(services: Services, run: Run, migration: Migration, *, is_again: bool) -> None:
    """What the end of a migration brings, while the run still keeps others from the database."""
    lease = services.store.leases.of(migration.database_id)
    if lease is None or lease.migration.id != migration.id:
        return
    if migration.result is MigrationResult.SUCCESS:
        # First: what is due depends on the database not having been migrated before.
        conclude(services, run, migration)
        migrated = partial(lifecycle.migrated, head_sha=run.head_sha, now=services.clock())
        services.store.databases.apply_to(migration.database_id, migrated)
    try:
        _end_login(services, run, migration)
    except NotHere:
        # Whoever ends it there lets go: when the lease has run out, nobody having renewed it.
        is_held = True
    else:
        is_held = False
    if is_again:
        _empty(services.store, migration)
    if not is_held:
        services.store.leases.release(migration.id)


def _empty(store: Store, migration: Migration) -> None:
    """Have the database emptied, once however often this is done: its generation tells.

    Not `ready` from now on, so that no other run gets it in between.
    """
    database_id, generation = migration.database_id, migration.generation
    store.databases.apply_to(
        database_id,
        partial(lifecycle.afresh, generation=generation),
        then=[RebuildDatabase(database_id=database_id, generation=generation)],
    )


def _end_login(services: Services, run: Run, migration: Migration) -> None:
    """An exported login stays unless something failed: later steps may need it."""
    last = migration.seeding or migration
    if not migration.has_ended_well and last.exit_code is None:
        # The command was stopped, and PostgreSQL may still be busy with what it asked for.
        credentials.end_runtime_sessions(services, run, migration.database_id)
    logins = [
        login
        for login in services.store.job_logins.of_database(migration.database_id)
        if login.run_id == run.id and not (login.outlives_run and migration.has_ended_well)
    ]
    try:
        credentials.close_all(services, logins)
    except CoppiceError:
        # The result must not be lost because PostgreSQL is away: the reaper ends what is left.
        return


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


def _verdict(run: Run, migration: Migration, *, is_again: bool) -> Verdict:
    name = migration.environment
    if migration.seeding is not None and not migration.is_good:
        return _verdict_on_seed(run, migration, migration.seeding)
    if migration.result is MigrationResult.NEVER_CONNECTED:
        message = f"{name}: {_NEVER_CONNECTED}. Nothing counts as migrated."
        return Verdict(is_again=False, fails=False, message=message)
    if migration.result not in rebuilds.FAILED:
        return Verdict(is_again=False, fails=False, message=f"{name}: {migration.result}.")
    if is_again:
        message = f"{name} failed: it is made anew and migrated once more."
        return Verdict(is_again=True, fails=False, message=message)
    if is_neutral(run, name):
        message = f"{name} failed. {_LENIENT[name]}, so this does not fail the step."
        return Verdict(is_again=False, fails=False, message=message)
    after = " Production is untouched." if name is Environment.PREVIEW else ""
    return Verdict(is_again=False, fails=True, message=f"{name}: {migration.result}.{after}")


def _verdict_on_seed(run: Run, migration: Migration, seed: Seeding) -> Verdict:
    name = migration.environment
    if seed.result is MigrationResult.NEVER_CONNECTED:
        message = f"{name}: migrated. The seed {_NEVER_CONNECTED}: the next run tries it again."
        return Verdict(is_again=False, fails=False, message=message)
    message = f"{name}: migrated, but the seed command: {seed.result}. The next run tries it again."
    if is_neutral(run, name):
        message += f" {_LENIENT[name]}, so this does not fail the step."
    return Verdict(is_again=False, fails=not is_neutral(run, name), message=message)


def _last(store: Store, run: Run, environment: Environment) -> Migration:
    for migration in reversed(store.migrations.of_run(run.id)):
        if migration.environment is environment:
            return migration
    raise NotFound(
        f"This run has not started a migration of {environment}.",
        advice="Ask for the database first.",
    )


def seed_is_due(store: Store, run: Run, assignment: Assignment | None, database: Database) -> bool:
    """Whether the run is to seed the database that it holds, once it is migrated."""
    if assignment is None:
        return False
    return seeding.is_due(
        database,
        store.seeds.of(database),
        command=run.seed_command,
        policies=assignment.policies,
    )


def conclude(services: Services, run: Run, migration: Migration) -> None:
    """Remember how seeding ended; called before the database counts as migrated.

    A seed that failed, or that was due and of which nothing was heard, is owed to the next run.
    """
    if migration.result is not MigrationResult.SUCCESS:
        return
    database = services.store.databases.get(migration.database_id)
    if database.generation != migration.generation:
        return
    if migration.seeding is not None and migration.seeding.has_succeeded:
        services.store.seeds.settle(database, at=services.clock())
        return
    assignment = services.store.apps.assignment(run.app_id)
    if migration.seeding is not None or seed_is_due(services.store, run, assignment, database):
        services.store.seeds.owe(database)

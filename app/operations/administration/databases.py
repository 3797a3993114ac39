"""What people have done to single databases, and how they connect to one.

What is asked for is checked and written down at once, and done by a job: a server that is away
would hold whoever asks for as long as it takes to give up. Whoever asks has looked at the database
a moment ago, and others act meanwhile: what counts is where it stands now.
"""

import re
from collections.abc import Sequence
from functools import partial

from app.core import lifecycle
from app.core.audit import AuditEvent
from app.core.databases import Closing, Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import Conflict, GitHubUnavailable, Invalid, NotFound
from app.core.intents import DropDatabase, EnsureDatabase, Intent, RebuildDatabase, RestoreDatabase
from app.core.limits import FROZEN_ADVICE
from app.core.people import Change, Connect, Lose
from app.core.reasons import without_database
from app.core.seeding import may_seed
from app.operations.access import Permitted
from app.operations.apps import Location
from app.operations.databases import elsewhere, limits, provisioning, retention
from app.operations.runs import endings, forwarding
from app.operations.runs.credentials import Credentials
from app.operations.services import Services
from app.store.store import Store

_ACCELERATE = re.compile(r"prisma(\+postgres)?://[!-~]{8,4000}")


def create(services: Services, permitted: Permitted[Location, Change]) -> Database:
    """Have a database made; returns the one that is there already, as it is.

    A deleted one is restored, a failed one tried again.
    """
    where = permitted.subject
    _check_branch(services, where)
    database = provisioning.intend_database(
        services, where.assigned.assignment, where.environment, where.branch
    )
    match database.state:
        case DatabaseState.READY:
            return database
        case DatabaseState.ERROR if database.waits_for_person:
            return database  # Fix is for it: who asks for one need not know that it was lost
        case DatabaseState.DELETED:
            return _restore(services, database)
        case _:
            services.record(AuditEvent.DATABASES_CREATE, database.name)
            ensure = EnsureDatabase(database_id=database.id)
            again = partial(lifecycle.set_up_again, for_person=True, now=services.clock())
            services.store.databases.apply_to(database.id, again, then=[ensure])
            return services.store.databases.get(database.id)


def fix(services: Services, permitted: Permitted[Database, Change]) -> Database:
    """Have it set up once more, data untouched: roles, grants, password, marker."""
    database_id = permitted.subject.id
    set_up_again(services, permitted, then=[EnsureDatabase(database_id=database_id)])
    return services.store.databases.get(database_id)


def reset(services: Services, permitted: Permitted[Database, Lose]) -> Database:
    """Have it made anew, empty or as its template, of the same name and login, for good."""
    database = permitted.subject
    job = RebuildDatabase(database_id=database.id, generation=database.generation)
    start_afresh(services, permitted, then=[job])
    return services.store.databases.get(database.id)


def seed(services: Services, permitted: Permitted[Database, Change]) -> Database:
    """Have the next run seed it, for `dev` the next migration on a person's own machine.

    Whatever it holds; a seed that is due anyway stays due. Raises Conflict or Invalid where
    nothing would.
    """
    database = permitted.subject
    assignment = services.store.apps.assignment(database.app_id)
    if assignment is None:
        raise Conflict(f"The app {database.app_id} is not assigned, so no run reaches it.")
    if database.environment is Environment.SHADOW:
        raise Invalid(
            f"{database.name} is emptied again and again: it holds no sample data.",
            advice="Seed the database that it belongs to.",
        )
    if not may_seed(database.environment, assignment.policies):
        raise Invalid(
            "Production is not seeded.",
            advice="Edit the app if it should be (`coppice apps edit --seed-production`).",
        )
    _refuse_busy(services.store, database)
    services.store.seeds.owe(database)
    services.record(AuditEvent.DATABASES_SEED, database.name)
    return database


def restore(services: Services, permitted: Permitted[Database, Change]) -> Database:
    """Have a deleted database opened again, data and all; it is `deleted` until then."""
    return _restore(services, permitted.subject)


def _restore(services: Services, database: Database) -> Database:
    if database.state is DatabaseState.READY:
        return database
    retention.check_restorable(database)
    limits.check_restored(services.store, database)
    services.record(AuditEvent.DATABASES_RESTORE, database.name)
    services.store.queue.add([RestoreDatabase(database_id=database.id)])
    return database


def delete(services: Services, permitted: Permitted[Database, Lose]) -> Database:
    """Have all connections refused; the data is kept for the retention time, production's on."""
    database = permitted.subject
    refuse_live(services, database)
    retention.close_database(services, database.id, because=Closing.BY_HAND)
    services.record(AuditEvent.DATABASES_DELETE, database.name)
    return services.store.databases.get(database.id)


def drop(services: Services, permitted: Permitted[Database, Lose]) -> Database:
    """Have a database and its data dropped; it is `deleted` until then. Cannot be undone."""
    database, closed = permitted.subject, delete(services, permitted)
    services.record(AuditEvent.DATABASES_DROP, database.name)
    job = DropDatabase(database_id=database.id, is_by_hand=True)
    retention.mark_unwanted(services.store, database.id, then=[job])
    return closed


def set_up_again(
    services: Services, permitted: Permitted[Database, Change], *, then: Sequence[Intent] = ()
) -> None:
    """Have it `creating`, with its data; audited. Raises Conflict when it was deleted.

    A run that is over lets go of it, so that the next one goes on.
    """
    database = permitted.subject
    endings.let_go(services, database.id)
    again = partial(lifecycle.set_up_again, for_person=True, now=services.clock())
    if services.store.databases.apply_to(database.id, again, then=then) is None:
        _refuse_deleted(services.store.databases.get(database.id))
    services.record(AuditEvent.DATABASES_FIX, database.name)


def start_afresh(
    services: Services, permitted: Permitted[Database, Lose], *, then: Sequence[Intent] = ()
) -> None:
    """Have it `creating`, to be emptied; audited. Two that ask for it at once get it once.

    Raises Conflict when it was deleted, or a migration holds it.
    """
    database = permitted.subject
    _refuse_deleted(database)
    refuse_live(services, database)
    services.record(AuditEvent.DATABASES_RESET, database.name)
    afresh = partial(lifecycle.afresh, generation=database.generation)
    if (
        services.store.databases.apply_to(database.id, afresh, unless_leased=True, then=then)
        is None
    ):
        _refuse_deleted(services.store.databases.get(database.id))
        _refuse_busy(services.store, database)


def refuse_live(services: Services, database: Database) -> None:
    """Raise Conflict while a migration runs; one whose run is over lets go of the database.

    For what ends all sessions anyway: its logins end later.
    """
    endings.let_go(services, database.id)
    _refuse_busy(services.store, database)


def _refuse_busy(store: Store, database: Database) -> None:
    """Raise Conflict while a migration holds the database."""
    if store.leases.of(database.id) is not None:
        raise Conflict(
            f"A migration runs on {database.name}.", advice="Repeat this when it has ended."
        )


def _refuse_deleted(database: Database) -> None:
    if database.state is DatabaseState.DELETED:
        raise Conflict(
            f"{database.name} is deleted.", advice="Restore it first (`coppice databases restore`)."
        )
    if database.state is DatabaseState.GONE:
        raise Conflict(
            f"{database.name} was dropped.",
            advice="Have a new one made (`coppice databases create`).",
        )


def login(
    services: Services, permitted: Permitted[Database, Connect], *, purpose: AuditEvent
) -> Credentials:
    """The long-lived login, made good again and checked against the marker. Audited.

    The login through a pooler is left out while that does not take it. Raises Conflict when the
    database is not ready, OnAnotherHost when the machine that would make it is silent.
    """
    database = permitted.subject
    if database.state is DatabaseState.CREATING:
        instance = services.store.instances.get(database.instance_id)
        if not services.store.hosts.is_here(instance):
            elsewhere.need_alive(services.store, instance)
    with services.crowd.place_at(database, who="people"):
        found = forwarding.issue_long_lived(services, needs_ready(database))
    services.record(purpose, database.name)
    return found


def set_accelerate_url(
    services: Services, permitted: Permitted[Database, Change], url: str | None
) -> None:
    """Store the Prisma Accelerate URL that leads to this database; None forgets it."""
    if url is not None and not _ACCELERATE.fullmatch(url):
        raise Invalid(
            "This is no Prisma Accelerate URL.",
            advice="It begins with prisma:// or prisma+postgres://; Prisma's console shows it.",
        )
    services.store.databases.set_accelerate_url(permitted.subject.id, url)
    services.record(AuditEvent.DATABASES_EDIT, permitted.subject.name)


def needs_ready(database: Database) -> Database:
    """The database, if it is ready. Raises Conflict with what it is, and what to do."""
    if database.state is DatabaseState.READY:
        return database
    advice = {
        DatabaseState.DELETED: "Restore it (`coppice databases restore`).",
        DatabaseState.ERROR: "Once the cause is mended, Fix tries again (`coppice databases fix`).",
    }
    said = FROZEN_ADVICE if database.is_shut else advice.get(database.state)
    raise Conflict(
        f"{database.name} is {'frozen' if database.is_shut else database.state.value}"
        + (f": {database.reason}" if database.reason else "."),
        advice=said or "Repeat this in a moment.",
    )


def _check_branch(services: Services, where: Location) -> None:
    """Raise Invalid for a branch that gets no database, NotFound for one that is not there."""
    if where.branch is None:
        return
    branch, repository = where.branch, where.assigned.repository
    why = without_database(
        branch,
        default_branch=repository.default_branch,
        ignore_patterns=where.assigned.assignment.policies.ignore_patterns,
    )
    if why is not None:
        raise Invalid(why.message, advice=why.advice)
    try:
        is_there = services.github.branch(repository, branch) is not None
    except GitHubUnavailable:
        return  # nobody can tell at present; a reconcile will
    if not is_there:
        raise NotFound(
            f"{repository.full_name} has no branch {branch!r}.", advice="Push the branch first."
        )

"""What people have done to single databases, and how they connect to one.

What is asked for is checked and written down at once, and done by a job: a server that is away
would hold whoever asks for as long as it takes to give up.
"""

import re
from functools import partial

from app.core import lifecycle
from app.core.audit import AuditEvent
from app.core.databases import Closing, Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import Conflict, GitHubUnavailable, Invalid, NotFound
from app.core.intents import DropDatabase, EnsureDatabase, RebuildDatabase, RestoreDatabase
from app.core.limits import FROZEN_ADVICE
from app.core.people import Change, Connect, Lose
from app.core.reasons import without_database
from app.core.seeding import may_seed
from app.operations.access import Permitted
from app.operations.administration.transitions import (
    refuse_busy,
    refuse_live,
    set_up_again,
    start_afresh,
)
from app.operations.apps import Location
from app.operations.databases import elsewhere, limits, provisioning, retention
from app.operations.runs import forwarding
from app.operations.runs.credentials import Credentials
from app.operations.services import Services

_ACCELERATE = re.compile(r"prisma(\+postgres)?://[!-~]{8,4000}")


def create(services: Services, permitted: Permitted[Location, Change]) -> Database:
    """Have a database made; returns the one that is there already, as it is.

    A deleted one is restored, a failed one tried again.
    """
    where = permitted.subject
    check_branch(services, where)
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
            record(services, AuditEvent.DATABASES_CREATE, database)
            ensure = EnsureDatabase(database_id=database.id)
            again = partial(lifecycle.set_up_again, for_person=True, now=services.clock())
            services.store.databases.apply_to(database.id, again, then=[ensure])
            return services.store.databases.get(database.id)


def fix(services: Services, permitted: Permitted[Database, Change]) -> Database:
    """Have it set up once more, data untouched: roles, grants, password, marker."""
    database = permitted.subject
    set_up_again(services, database, then=[EnsureDatabase(database_id=database.id)])
    return services.store.databases.get(database.id)


def reset(services: Services, permitted: Permitted[Database, Lose]) -> Database:
    """Have it replaced by an empty one of the same name and login. Cannot be undone."""
    database = permitted.subject
    job = RebuildDatabase(database_id=database.id, generation=database.generation)
    start_afresh(services, database, then=[job])
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
    refuse_busy(services.store, database)
    services.store.seeds.owe(database)
    record(services, AuditEvent.DATABASES_SEED, database)
    return database


def restore(services: Services, permitted: Permitted[Database, Change]) -> Database:
    """Have a deleted database opened again, data and all; it is `deleted` until then."""
    return _restore(services, permitted.subject)


def _restore(services: Services, database: Database) -> Database:
    if database.state is DatabaseState.READY:
        return database
    retention.check_restorable(database)
    limits.check_restored(services.store, database)
    record(services, AuditEvent.DATABASES_RESTORE, database)
    services.store.queue.add([RestoreDatabase(database_id=database.id)])
    return database


def delete(services: Services, permitted: Permitted[Database, Lose]) -> Database:
    """Have all connections refused; the data is kept for the retention time, production's on."""
    database = permitted.subject
    refuse_live(services, database)
    record(services, AuditEvent.DATABASES_DELETE, database)
    retention.close_database(services, database.id, because=Closing.BY_HAND)
    return services.store.databases.get(database.id)


def drop(services: Services, permitted: Permitted[Database, Lose]) -> Database:
    """Have a database and its data dropped; it is `deleted` until then. Cannot be undone."""
    database, closed = permitted.subject, delete(services, permitted)
    record(services, AuditEvent.DATABASES_DROP, database)
    job = DropDatabase(database_id=database.id, is_by_hand=True)
    retention.mark_unwanted(services.store, database.id, then=[job])
    return closed


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
    record(services, purpose, database)
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
    record(services, AuditEvent.DATABASES_EDIT, permitted.subject)


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


def check_branch(services: Services, where: Location) -> None:
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


def record(services: Services, action: AuditEvent, database: Database) -> None:
    """Write down in the audit trail what was done to a database."""
    services.record(action, database.name)

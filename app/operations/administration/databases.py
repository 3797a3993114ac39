"""What an operator does to single databases by hand, and how a person connects to one."""

import re
from dataclasses import dataclass

from app.core.audit import Action
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import Conflict, GitHubUnavailable, Invalid, NotFound
from app.core.identifiers import BranchName
from app.core.limits import FROZEN_ADVICE
from app.core.reasons import without_database
from app.core.seeding import may_seed
from app.operations.administration.assigned import Assigned
from app.operations.administration.beginnings import (
    refuse_busy,
    refuse_live,
    set_up_again,
    start_afresh,
)
from app.operations.databases import elsewhere, provisioning, retention
from app.operations.runs import forwarding
from app.operations.runs.credentials import Credentials
from app.operations.services import Services

_ACCELERATE = re.compile(r"prisma(\+postgres)?://[!-~]{8,4000}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Which database of an app is meant."""

    environment: Environment
    branch: BranchName | None = None


def place(assigned: Assigned, *, branch: str | None, environment: str | None) -> Place:
    """The place that people name by a branch, by an environment, or by neither: `dev`."""
    if branch is not None and environment not in (None, Environment.BRANCH):
        raise Invalid("A branch and another environment exclude each other.")
    if branch is None:
        found = Environment(environment) if environment else Environment.DEV
        if found is Environment.BRANCH:
            raise Invalid("Say which branch.", advice="Name the branch (--branch NAME).")
        return Place(environment=found)
    if branch == assigned.repository.default_branch:
        raise Invalid(
            f"{branch} is the default branch: its database is production.",
            advice="Use that one (--environment production) if it is what you mean.",
        )
    return Place(environment=Environment.BRANCH, branch=BranchName(branch))


def find(services: Services, assigned: Assigned, where: Place) -> Database:
    """Raise NotFound when there is no such database."""
    database = services.databases.live(assigned.assignment.app.id, where.environment, where.branch)
    if database is None:
        what = f"the branch {where.branch}" if where.branch else where.environment.value
        raise NotFound(
            f"{assigned.repository.full_name} has no database for {what}.",
            advice="Push to the branch, or have it made (`coppice databases create`).",
        )
    return database


def create(services: Services, assigned: Assigned, where: Place) -> Database:
    """Make a database now; returns the one that is there already."""
    if where.branch is not None:
        check_branch(services, assigned, where.branch)
    database = provisioning.intend_database(
        services, assigned.assignment, where.environment, where.branch
    )
    if database.state is DatabaseState.DELETED:
        return restore(services, database)
    database = provisioning.ensure_database(services, database.id)
    record(services, Action.DATABASES_CREATE, database)
    return needs_ready(database)


def fix(services: Services, database: Database) -> Database:
    """Set up once more, data untouched: roles, grants, password, marker."""
    set_up_again(services, database)
    return needs_ready(provisioning.ensure_database(services, database.id))


def reset(services: Services, database: Database) -> Database:
    """Replace a database by an empty one of the same name and login. Cannot be undone."""
    start_afresh(services, database)
    return needs_ready(
        provisioning.rebuild_database(services, database.id, generation=database.generation)
    )


def seed(services: Services, database: Database) -> Database:
    """Have the next run seed it, for `dev` the next migration on a person's own machine.

    Whatever it holds; a seed that is due anyway stays due. Raises Conflict or Invalid where
    nothing would.
    """
    assignment = services.apps.assignment(database.app_id)
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
    refuse_busy(services, database)
    services.seeds.owe(database)
    record(services, Action.DATABASES_SEED, database)
    return database


def restore(services: Services, database: Database) -> Database:
    """Open a deleted database again, data and all."""
    record(services, Action.DATABASES_RESTORE, database)
    return needs_ready(retention.restore_database(services, database.id))


def delete(services: Services, database: Database) -> Database:
    """Refuse all connections; the data is kept for the retention time, production's for ever."""
    refuse_live(services, database)
    record(services, Action.DATABASES_DELETE, database)
    return retention.delete_database(services, database.id)


def drop(services: Services, database: Database) -> Database:
    """Drop a database and its data at once. Cannot be undone."""
    delete(services, database)
    retention.mark_unwanted(services, database.id)
    retention.drop_database(services, database.id, is_by_hand=True)
    record(services, Action.DATABASES_DROP, database)
    return services.databases.get(database.id)


def login(services: Services, database: Database, *, purpose: Action) -> Credentials:
    """The long-lived login, made good again and checked against the marker. Audited.

    The login through a pooler is left out while that does not take it. Raises Conflict when the
    database is not ready, OnAnotherHost when the machine that would make it is silent.
    """
    if database.state is DatabaseState.CREATING:
        instance = services.instances.get(database.instance_id)
        if not services.hosts.is_here(instance):
            elsewhere.need_alive(services, instance)
    with services.crowd.place_at(database, who="people"):
        found = forwarding.issue_long_lived(services, needs_ready(database))
    record(services, purpose, database)
    return found


def set_accelerate_url(services: Services, database: Database, url: str | None) -> None:
    """Store the Prisma Accelerate URL that leads to this database; None forgets it."""
    if url is not None and not _ACCELERATE.fullmatch(url):
        raise Invalid(
            "This is no Prisma Accelerate URL.",
            advice="It begins with prisma:// or prisma+postgres://; Prisma's console shows it.",
        )
    services.databases.set_accelerate_url(database.id, url)
    record(services, Action.DATABASES_EDIT, database)


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


def check_branch(services: Services, assigned: Assigned, branch: BranchName) -> None:
    """Raise Invalid for a branch that gets no database, NotFound for one that is not there."""
    policies, repository = assigned.assignment.policies, assigned.repository
    why = without_database(
        branch,
        default_branch=repository.default_branch,
        ignore_patterns=policies.ignore_patterns,
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


def record(services: Services, action: Action, database: Database) -> None:
    """Write down in the audit trail what was done to a database."""
    services.record(action, database.name)

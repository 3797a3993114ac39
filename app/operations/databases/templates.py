"""What new databases are cloned from: the template that is current, and the end of the others."""

from datetime import timedelta
from functools import partial

from app.core import lifecycle
from app.core.assignments import Assignment, Parent
from app.core.databases import Closing, Database, DatabaseState, Template
from app.core.environments import Environment
from app.core.identifiers import DatabaseId
from app.operations.services import Services
from app.store.store import Store

KEPT = timedelta(hours=24)
"""How long a template is kept that another has followed: what is being cloned comes to its end."""


def current_of(store: Store, assignment: Assignment | None) -> Database | None:
    """What new databases of an app are cloned from; None: they begin empty."""
    if assignment is None or assignment.policies.parent is not Parent.FIXTURE:
        return None
    return store.databases.current_template(assignment.app.id, assignment.instance_id)


def parent_afresh(store: Store, database: Database) -> Database | None:
    """What a database begins as when it is made anew; a template that failed begins empty."""
    if database.environment is Environment.TEMPLATE or not database.environment.shares_data_role:
        return None
    return current_of(store, store.apps.assignment(database.app_id))


def parent_of(services: Services, database: Database) -> Template | None:
    """What a database that is not made yet is cloned from, written in its row.

    Another one where the template that it was to begin as is no longer kept; None: nothing.
    """
    store = services.store
    if database.cloned_from is None:
        return None
    template = store.databases.get(database.cloned_from)
    if template.closed_because is not Closing.SEALED or template.state is DatabaseState.GONE:
        return choose_another(services, database)
    return _told(template)


def choose_another(services: Services, database: Database) -> Template | None:
    """Have it begin as the template that is current now, unless it was that one; else empty."""
    store = services.store
    current = current_of(store, store.apps.assignment(database.app_id))
    is_other = current is not None and current.id != database.cloned_from
    chosen: DatabaseId | None = current.id if current is not None and is_other else None
    store.databases.apply(database, partial(lifecycle.cloned, parent=chosen))
    if current is None or chosen is None:
        return None
    return _told(current)


def give_up(services: Services, database: Database) -> Template | None:
    """What it begins as instead of a template that cannot be cloned, and is current no more."""
    now = services.store.databases.still_held(database)
    if now.cloned_from is not None:
        lost = partial(lifecycle.deleted, because=Closing.SEALED, drop_after=services.clock())
        services.store.databases.apply_to(now.cloned_from, lost)
    return choose_another(services, now)


def _told(template: Database) -> Template:
    return Template(
        name=template.name, owner_role=template.owner_role, login_role=template.login_role
    )


def remark(store: Store, assignment: Assignment, database: Database) -> str | None:
    """What people should know of one that began empty although clones are wanted."""
    wants_parent = assignment.policies.parent is not Parent.EMPTY
    if not wants_parent or database.cloned_from is not None or database.migrated_sha is not None:
        return None
    if not database.environment.shares_data_role:
        return None
    return (
        "It began empty: there was no template yet. The default branch's next run makes one after"
        " production; a reset takes it then."
    )


def inherit_seed(store: Store, database: Database) -> None:
    """A clone of a seeded template counts as seeded at that time."""
    now = store.databases.get(database.id)
    is_same = now.generation == database.generation
    if not is_same or now.cloned_from is None or store.seeds.of(database) is not None:
        return
    seed = store.seeds.of(store.databases.get(now.cloned_from))
    if seed is not None and seed.seeded_at is not None:
        store.seeds.settle(database, at=seed.seeded_at)


def retire_unused(services: Services) -> None:
    """Give an end to every sealed template that is current for no assignment."""
    store = services.store
    # First: one that is sealed meanwhile is not looked at.
    sealed = store.databases.sealed_templates()
    current = (current_of(store, assignment) for assignment in store.apps.assignments())
    wanted = {one.id for one in current if one is not None}
    end = services.clock() + KEPT
    retired = partial(lifecycle.deleted, because=Closing.SEALED, drop_after=end)
    for template in sealed:
        if template.id not in wanted:
            store.databases.apply_to(template.id, retired)

"""How a database begins again: set up once more with its data, or to be emptied.

Whoever asks has looked at it a moment ago, and others act meanwhile: what counts is where it
stands now.
"""

from collections.abc import Sequence
from functools import partial

from app.core import lifecycle
from app.core.audit import AuditEvent
from app.core.databases import Database, DatabaseState
from app.core.errors import Conflict
from app.core.intents import Intent
from app.operations.runs import endings
from app.operations.services import Services
from app.store.store import Store


def set_up_again(services: Services, database: Database, *, then: Sequence[Intent] = ()) -> None:
    """Have it `creating`, with its data; audited. Raises Conflict when it was deleted.

    A run that is over lets go of it, so that the next one goes on.
    """
    endings.let_go(services, database.id)
    again = partial(lifecycle.set_up_again, for_person=True, now=services.clock())
    if services.store.databases.apply_to(database.id, again, then=then) is None:
        _refuse_deleted(services.store.databases.get(database.id))
    services.record(AuditEvent.DATABASES_FIX, database.name)


def start_afresh(services: Services, database: Database, *, then: Sequence[Intent] = ()) -> None:
    """Have it `creating`, to be emptied; audited. Two that ask for it at once get it once.

    Raises Conflict when it was deleted, or a migration holds it.
    """
    _refuse_deleted(database)
    refuse_live(services, database)
    services.record(AuditEvent.DATABASES_RESET, database.name)
    afresh = partial(lifecycle.afresh, generation=database.generation)
    if (
        services.store.databases.apply_to(database.id, afresh, unless_leased=True, then=then)
        is None
    ):
        _refuse_deleted(services.store.databases.get(database.id))
        refuse_busy(services.store, database)


def refuse_live(services: Services, database: Database) -> None:
    """Raise Conflict while a migration runs; one whose run is over lets go of the database.

    For what ends all sessions anyway: its logins end later.
    """
    endings.let_go(services, database.id)
    refuse_busy(services.store, database)


def refuse_busy(store: Store, database: Database) -> None:
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

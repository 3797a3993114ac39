"""Databases on our servers that nobody here remembers: told of, never touched.

They are what a state database restored from an old backup has forgotten.
"""

from contextlib import suppress
from dataclasses import dataclass

from app.core.databases import DatabaseState
from app.core.errors import CoppiceError
from app.core.hosts import NotHere
from app.core.identifiers import DatabaseName, InstanceId
from app.core.instances import Instance
from app.core.intents import FlagStrays
from app.core.standing import Unknown, unknown
from app.operations.services import Services
from app.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Stray:
    """A database that looks like one of ours and has no row."""

    instance: str
    name: DatabaseName
    is_of_known_app: bool


def unknown_databases(services: Services) -> list[Stray]:
    """All of them; servers that do not answer, or not from here, are left out."""
    found: list[Stray] = []
    for instance in services.store.instances.all():
        with suppress(CoppiceError):
            found += _strays(services, instance)
    return found


def flag_all(store: Store) -> None:
    """Queue a look at each instance, by whoever can look there."""
    store.queue.add([FlagStrays(instance_id=one.id) for one in store.instances.all()])


def of_instance(services: Services, instance_id: InstanceId) -> list[Stray]:
    """Those of one instance; none when its server does not answer. Raises NotHere."""
    try:
        return _strays(services, services.store.instances.get(instance_id))
    except NotHere:
        raise
    except CoppiceError:
        return []


def _strays(services: Services, instance: Instance) -> list[Stray]:
    return [
        Stray(instance=instance.name, name=one.name, is_of_known_app=one.is_of_known_app)
        for one in _of_instance(services, instance)
    ]


def _of_instance(services: Services, instance: Instance) -> list[Unknown]:
    """Looked for twice: what is made, renamed or dropped in between is none."""
    server = services.server_for(instance)
    before = server.database_names(prefix="")
    rows = services.store.databases.all(include_gone=True)
    assigned = {one.app.id for one in services.store.apps.assignments()}
    after = set(server.database_names(prefix=""))
    known = [row for row in rows if row.instance_id == instance.id]
    return unknown(
        [name for name in before if name in after],
        databases=[row for row in known if row.state is not DatabaseState.GONE],
        app_ids={row.app_id for row in rows} | assigned,
    )

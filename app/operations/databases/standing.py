"""Rows held against what stands on their servers: told of, and mended where nothing can be lost."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import replace
from functools import partial

from app.core import lifecycle, names
from app.core.databases import FOR_A_PERSON, Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import CoppiceError, NotFound, ProvisioningFailed, TransientError
from app.core.hosts import NotHere
from app.core.identifiers import InstanceId
from app.core.instances import Instance
from app.core.intents import EnsureDatabase, Intent, ReconcileBranch, SealDatabase
from app.core.standing import Difference, Fault, differences, failure, fault_of, roles_of
from app.operations.databases.provisioning import failed, server_of, tenant_of
from app.operations.services import Services
from app.store.store import Store

_LOCAL = {Environment.DEV, Environment.SHADOW}


def compare_instance(services: Services, instance_id: InstanceId) -> list[Difference]:
    """Correct the rows of an instance that do not say what is there; mend what loses nothing.

    What was lost is an error from then on, and waits for a person. A server that does not answer
    is no fault of its databases. Returns what differed.
    """
    try:
        instance = services.store.instances.get(instance_id)
        found = _differences(services, instance)
    except NotHere:
        raise
    except CoppiceError:
        return []  # deleted meanwhile, or away: that is measured, and shown with the instance
    settled = [one for one in found if _is_settled(services, one.database)]
    with suppress(CoppiceError):  # the next look does
        services.server_for(instance).sweep_trials()
    return settled


def confirmed_differences(services: Services, instance: Instance) -> Iterator[Difference]:
    """All that differs on an instance while nobody is at work on it. Changes nothing."""
    for difference in _differences(services, instance):
        try:
            with services.store.databases.exclusively(difference.database.id) as database:
                fault = fault_now(services, database)
        except (NotFound, TransientError):
            continue
        if fault is not None:
            yield Difference(database=database, fault=fault)


@contextmanager
def losses_noted(
    services: Services, database: Database, *, is_raised: bool = True
) -> Iterator[None]:
    """For the holder of its lock: what was lost is its reason from then on, whoever finds out.

    Unless it is raised too, whoever finds out goes on: a run is over, whatever became of its
    database.
    """
    try:
        yield
    except ProvisioningFailed as error:
        if error.code not in FOR_A_PERSON:
            raise
        if database.state is DatabaseState.READY:
            failed(services, database, error)
        if is_raised:
            raise


def close_again(services: Services, database: Database) -> None:
    """A closed database lets somebody in: have it closed, and keep it for its time from now on.

    The state database may have been put back to a time before it was restored and used again.
    """
    seal = SealDatabase(database_id=database.id)
    if database.closed_because is None or database.drop_after is None:
        services.store.queue.add([seal])
        return
    deleted = partial(
        lifecycle.deleted,
        because=database.closed_because,
        drop_after=max(database.drop_after, services.clock() + services.retention),
    )
    services.store.databases.apply(database, deleted, then=[seal])


def fault_now(services: Services, database: Database) -> Fault | None:
    """How what stands on its server differs from its row; to be asked under its lock."""
    server = server_of(services, database)
    return fault_of(database, server.standing(roles_of([database]), only=[database.name]))


def take_name_back(services: Services, database: Database) -> bool:
    """Rename a deleted database back to the name of its row; False if the server does not have it.

    `retention.retire_database` renames it on the server first, and in its row then. A worker that
    ends in between leaves the rest to whoever looks at the branch next, who has no reason to
    once the branch is deleted again. To be called under the database's lock. What is not surely
    the row's own (another's, or without its mark) is left alone.
    """
    aside = names.retired_name(database.app_id, database.id)
    retired = replace(tenant_of(services.store, database), name=aside)
    try:
        server_of(services, database).rename(retired, new_name=database.name)
    except ProvisioningFailed:
        return False
    return True


def _differences(services: Services, instance: Instance) -> list[Difference]:
    rows = services.store.databases.all(instance_id=instance.id)
    standing = services.server_for(instance).standing(roles_of(rows))
    return differences(rows, standing)


def _is_settled(services: Services, seen: Database) -> bool:
    try:
        # Once more under its lock, so that what is being done is not taken for a fault.
        with services.store.databases.exclusively(seen.id) as database:
            fault = fault_now(services, database)
            if fault is not None:
                _settle(services, database, fault)
    except TransientError:
        return False  # in use, or away: the next look tells
    return fault is not None


def _settle(services: Services, database: Database, fault: Fault) -> None:
    match fault:
        case Fault.OPEN:
            close_again(services, database)
        case Fault.SHUT if database.environment is Environment.TEMPLATE:
            pass  # it is on the way to its seal
        case Fault.SHUT | Fault.OWNERLESS if services.store.leases.of(database.id) is None:
            ensure = EnsureDatabase(database_id=database.id)
            again = partial(lifecycle.set_up_again, for_person=False, now=services.clock())
            services.store.databases.apply_to(database.id, again, then=[ensure])
        case Fault.MISSING if database.is_live and database.state is DatabaseState.DELETED:
            take_name_back(services, database)
        case Fault.MISSING | Fault.REPLACED | Fault.UNMARKED | Fault.CHANGED:
            if database.state is not DatabaseState.DELETED:
                failed(services, database, failure(database.name, fault))
                services.store.queue.add(_news(services.store, database))
        case _:
            pass


def _news(store: Store, database: Database) -> list[Intent]:
    """A job that tells the branch's head by its `database` check."""
    app = store.apps.get(database.app_id)
    repository = store.repositories.get(app.repository_id) if app else None
    if repository is None or database.environment in _LOCAL:
        return []
    branch = database.branch or repository.default_branch
    return [ReconcileBranch(repository_id=repository.id, branch=branch)]

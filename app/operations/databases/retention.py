"""Ending databases: closed at once, kept for the retention time, restored or dropped after it."""

from collections.abc import Sequence
from functools import partial

from app.core import lifecycle, names
from app.core.databases import (
    BRANCH_LIVED,
    Closing,
    Database,
    DatabaseState,
    TenantDatabase,
)
from app.core.environments import Environment
from app.core.errors import Conflict, ProvisioningFailed
from app.core.identifiers import DatabaseId, DatabaseName
from app.core.intents import (
    DropDatabase,
    EnsureDatabase,
    Intent,
    ReconcileBranch,
    ReconcileRepository,
    SealDatabase,
)
from app.core.repositories import InstallationState
from app.core.standing import Fault
from app.operations.databases import limits
from app.operations.databases.provisioning import (
    corrections,
    ensure_database,
    failed,
    password_of,
    server_of,
    shadow_of,
    tenant_of,
)
from app.operations.databases.standing import close_again, fault_now, take_name_back
from app.operations.ports.postgres import DatabaseServer
from app.operations.services import Services
from app.store.store import Store


def close_database(services: Services, database_id: DatabaseId, *, because: Closing) -> None:
    """Delete it: refuse all connections from now on, keep the data for the retention time.

    Production has no end of that time: only a person drops it. Connections are refused by a job,
    which is queued with the change of the state, as soon as the server answers.
    """
    if shadow := shadow_of(services.store, services.store.databases.get(database_id)):
        close_database(services, shadow.id, because=because)
    with services.store.databases.exclusively(database_id) as database:
        if database.state is DatabaseState.DELETED and database.closed_because in BRANCH_LIVED:
            # Something else keeps it closed from now on; its time goes on.
            kept = partial(lifecycle.deleted, because=because, drop_after=database.drop_after)
            services.store.databases.apply(database, kept)
        if database.state in {DatabaseState.DELETED, DatabaseState.GONE}:
            return
        is_for_ever = database.environment is Environment.PRODUCTION
        drop_after = None if is_for_ever else services.clock() + services.retention
        event = partial(lifecycle.deleted, because=because, drop_after=drop_after)
        if database.environment is Environment.TEMPLATE:
            event = partial(lifecycle.discarded, now=services.clock())
        services.store.databases.apply(
            database, event, then=[SealDatabase(database_id=database_id)]
        )


def seal_database(services: Services, database_id: DatabaseId) -> None:
    """Let nobody into a deleted or frozen database, and end all sessions; leave others alone."""
    with services.store.databases.exclusively(database_id) as database:
        if database.state is DatabaseState.DELETED or database.is_shut:
            server_of(services, database).seal(tenant_of(services.store, database))


def restore_database(services: Services, database_id: DatabaseId) -> Database:
    """Open a deleted database again, data and all.

    What keeps it from opening is its reason from then on, in state `error`. Raises Conflict when it
    is not `deleted`, or when a fresh one has taken its place; LimitReached when others have taken
    its room.
    """
    restored = _restore(services, database_id)
    if restored.state is DatabaseState.CREATING:
        return ensure_database(services, database_id)
    shadow = shadow_of(services.store, restored)
    if shadow is not None and shadow.state is DatabaseState.DELETED:
        _restore(services, shadow.id)
    return restored


def _restore(services: Services, database_id: DatabaseId) -> Database:
    with services.store.databases.exclusively(database_id) as database:
        if database.state is DatabaseState.READY:
            return database
        check_restorable(database)
        if not database.is_made:  # closed before it was finished: there is nothing to open
            begun = partial(lifecycle.restored, now=services.clock())
            ensure = EnsureDatabase(database_id=database_id)
            services.store.databases.apply(database, begun, then=[ensure])
            return services.store.databases.get(database_id)
        limits.check_restored(services.store, database)
        # Should we die in between: a database that is still called deleted must not stay open.
        services.store.queue.add([SealDatabase(database_id=database_id)])
        try:
            _open(services, database)
        except ProvisioningFailed as error:
            if error.code == Fault.MISSING and database.is_unwanted:
                _drop(services, database)  # begun before, and cut off before it was written down
                check_restorable(services.store.databases.get(database_id))
            else:
                failed(services, database, error)  # it is wanted: Fix, or a reconcile, goes on
        else:
            restored = partial(lifecycle.restored, now=services.clock())
            services.store.databases.apply(
                database, restored, then=corrections(services.store, database)
            )
    return services.store.databases.get(database_id)


def _open(services: Services, database: Database) -> None:
    server, tenant = server_of(services, database), tenant_of(services.store, database)
    password = password_of(services, database)
    try:
        server.unseal(tenant, password=password)
    except ProvisioningFailed as error:
        if error.code != Fault.MISSING or not take_name_back(services, database):
            raise
        server.unseal(tenant, password=password)


def check_restorable(database: Database) -> None:
    """Raise Conflict when it is not `deleted`, or when a fresh one has taken its place."""
    if database.state is not DatabaseState.DELETED:
        raise Conflict(
            f"{database.name} is {database.state}, so there is nothing to restore.",
            advice="Only deleted databases are restored, and only until they are dropped.",
        )
    if database.environment is Environment.TEMPLATE:
        raise Conflict(
            f"{database.name} is a template, which nobody enters any more.",
            advice="Databases are cloned from it: push a branch, or reset a branch's database.",
        )
    if not database.is_live:
        raise Conflict(
            f"A fresh database has taken the place of {database.name}.",
            advice="Delete the fresh one first, or copy the data with pg_dump.",
        )


def retire_database(services: Services, database_id: DatabaseId) -> None:
    """Rename a deleted database out of a fresh one's way; it is kept for the rest of its time."""
    with services.store.databases.exclusively(database_id) as database:
        if not database.is_live or database.state is not DatabaseState.DELETED:
            return
        retired = names.retired_name(database.app_id, database.id)
        server = server_of(services, database)
        tenant = tenant_of(services.store, database)
        server.seal(tenant)
        # What was never finished was never anybody's, and may lack its mark.
        if database.is_made and _is_renamed(server, tenant, retired):
            services.store.databases.apply(database, partial(lifecycle.retired, name=retired))
        else:  # perhaps its roles alone: there is nothing to keep
            server.drop(tenant)
            services.store.databases.apply(database, partial(lifecycle.gone, now=services.clock()))


def _is_renamed(server: DatabaseServer, tenant: TenantDatabase, name: DatabaseName) -> bool:
    """Rename it, unless it is not there."""
    try:
        server.rename(tenant, new_name=name)
    except ProvisioningFailed as error:
        if error.code != Fault.MISSING:
            raise
        return False
    return True


def mark_unwanted(store: Store, database_id: DatabaseId, *, then: Sequence[Intent] = ()) -> None:
    """A person wants a deleted database dropped now: `drop_database` does that by hand.

    Should it be restored first, that is forgotten, also when it is deleted again.
    """
    if shadow := shadow_of(store, store.databases.get(database_id)):
        store.databases.apply_to(shadow.id, lifecycle.unwanted)
    store.databases.apply_to(database_id, lifecycle.unwanted, then=then)


def drop_database(services: Services, database_id: DatabaseId, *, is_by_hand: bool = False) -> None:
    """Drop a deleted database whose time is over, or that a person wants gone now.

    Does nothing otherwise, as when it was restored meanwhile. Cannot be undone.
    """
    if shadow := shadow_of(services.store, services.store.databases.get(database_id)):
        drop_database(services, shadow.id, is_by_hand=is_by_hand)
    with services.store.databases.exclusively(database_id) as database:
        if database.state is not DatabaseState.DELETED:
            return
        if is_by_hand and not database.is_unwanted:
            return
        if not is_by_hand and not _may_go(services, database):
            return
        _drop(services, database)


def _drop(services: Services, database: Database) -> None:
    if database.is_live and fault_now(services, database) is Fault.MISSING:
        take_name_back(services, database)  # else its roles could not be dropped
    server_of(services, database).drop(tenant_of(services.store, database))
    services.store.databases.apply(database, partial(lifecycle.gone, now=services.clock()))


def _may_go(services: Services, database: Database) -> bool:
    """Whether it is dropped without a person: its time is over, and nothing speaks against it."""
    if not is_due(services, database) or _is_wanted_again(services, database):
        return False
    fault = fault_now(services, database)
    if fault is Fault.OPEN:
        close_again(services, database)
    # Another's, or nobody knows whose: `doctor` tells of it, and a person drops it.
    return fault in {None, Fault.MISSING}


def is_due(services: Services, database: Database) -> bool:
    """Whether its retention time is over."""
    return (
        database.state is DatabaseState.DELETED
        and database.environment is not Environment.PRODUCTION
        and database.drop_after is not None
        and database.drop_after <= services.clock()
    )


def due_drops(services: Services) -> list[DropDatabase]:
    """One job for each database whose retention time is over."""
    return [
        DropDatabase(database_id=database.id)
        for database in services.store.databases.all()
        if is_due(services, database)
    ]


def _is_wanted_again(services: Services, database: Database) -> bool:
    """Whether the branch lives, so that its database must not go; a last look before the drop.

    Raises GitHubUnavailable when that cannot be known. A repository that the App was taken from
    wants nothing; while it is archived, or the App suspended, nothing is dropped.
    """
    assignment = services.store.apps.assignment(database.app_id)
    if not database.is_live or assignment is None:
        return False
    repository = services.store.repositories.get(assignment.app.repository_id)
    if repository is None:
        return False
    if repository.installation_state is InstallationState.REMOVED:
        owner, _, name = repository.full_name.partition("/")
        if services.github.installation_of(owner, name) is None:
            return False
        services.store.queue.add([ReconcileRepository(repository_id=repository.id)])
        return True
    if database.branch is None:
        # There was no room for it when the App came back.
        return database.closed_because is Closing.ACCESS_ENDED
    if not repository.is_active:
        return True
    if services.github.branch(repository, database.branch) is None:
        return False
    services.store.queue.add([ReconcileBranch(repository_id=repository.id, branch=database.branch)])
    return True

"""A new password for a long-lived login: who knew the old one is out."""

from app.core.databases import Database, DatabaseState
from app.core.errors import ProvisioningFailed, TransientError
from app.core.identifiers import DatabaseId
from app.core.intents import RotatePassword
from app.operations.databases.provisioning import failed, server_of, tenant_of
from app.operations.services import Services

AGAIN_SECONDS = 60


def rotate_password(services: Services, database_id: DatabaseId) -> None:
    """Store and set a new password, and end the sessions that the old one opened.

    May be killed anywhere and repeated. While a migration runs, or the server is away, it comes
    back by itself for as long as it takes: a migration has hours, and the old password must go.
    """
    try:
        with services.store.databases.exclusively(database_id) as database:
            if database.state is not DatabaseState.GONE:
                _rotate(services, database)
    except TransientError:
        again = RotatePassword(database_id=database_id, delay_seconds=AGAIN_SECONDS)
        services.store.queue.add([again])


def _rotate(services: Services, database: Database) -> None:
    if services.store.leases.of(database.id) is not None:
        raise TransientError(f"A migration runs on {database.name}.")
    password = services.new_secret()
    services.store.databases.set_password(database, password)
    # Others get it when they are opened, fixed or restored. One that only failed to be fixed may
    # be as open as it was; one that was never made has nobody to shut out.
    if database.ready_at is None:
        return
    server, tenant = server_of(services, database), tenant_of(services.store, database)
    server.seal(tenant)
    if database.state is not DatabaseState.READY:
        return
    try:
        server.unseal(tenant, password=password)
    except ProvisioningFailed as error:
        failed(services, database, error)  # it is closed now, and whoever mends it is to know

"""A new password for a long-lived login: who knew the old one is out."""

from app.core.databases import DatabaseState
from app.core.errors import TransientError
from app.core.identifiers import DatabaseId
from app.operations.databases.provisioning import server_of, tenant_of
from app.operations.services import Services


def rotate_password(services: Services, database_id: DatabaseId) -> None:
    """Store and set a new password, and end the sessions that the old one opened.

    May be killed anywhere and repeated. Raises TransientError while a migration runs.
    """
    with services.databases.exclusively(database_id):
        database = services.databases.get(database_id)
        if database.state is DatabaseState.GONE:
            return
        if services.leases.of(database_id) is not None:
            raise TransientError(f"A migration runs on {database.name}.")
        password = services.new_secret()
        services.databases.set_password(database_id, password)
        # Others get it when they are opened, fixed or restored.
        if database.state is DatabaseState.READY:
            server, tenant = server_of(services, database), tenant_of(services, database)
            server.seal(tenant)
            server.unseal(tenant, password=password)

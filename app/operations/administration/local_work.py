"""What a person needs to work with a database on their own machine."""

from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.operations.administration import databases
from app.operations.databases import provisioning, retention
from app.operations.runs.credentials import variables
from app.operations.services import Services


def shadow_variables(services: Services, database: Database) -> dict[str, str]:
    """`SHADOW_DATABASE_URL` for the database for local work, nothing for others. Audited.

    Makes the shadow database, or restores it, when it is not there.
    """
    assignment = services.apps.assignment(database.app_id)
    if database.environment is not Environment.DEV or assignment is None:
        return {}
    shadow = provisioning.intend_database(services, assignment, Environment.SHADOW)
    if shadow.state is DatabaseState.DELETED:
        shadow = retention.restore_database(services, shadow.id)
    else:
        shadow = provisioning.ensure_database(services, shadow.id)
    login = databases.login(services, shadow, purpose="env")
    return {"SHADOW_DATABASE_URL": variables(login)["DATABASE_URL"]}

"""Removing a database and its roles: steps that may each be repeated."""

from psycopg import errors

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.postgres import catalog, statements
from app.postgres.access import Access
from app.postgres.failures import explained
from app.postgres.sealing import evict_logins


def drop_database(access: Access, database: TenantDatabase) -> None:
    """Cut all sessions and drop it, also when an earlier attempt was interrupted."""
    with explained("Dropping the database"), access.session() as session:
        facts = catalog.read_our_database(session, database)
        evict_logins(session, database)
        if facts is not None:
            session.execute(statements.drop_database(database.name))


def drop_roles(access: Access, database: TenantDatabase) -> None:
    """Drop its logins, then its owner."""
    with explained("Dropping its roles"), access.session() as session:
        jobs = sorted(catalog.job_logins(session, database))
        roles = [*jobs, database.login_role, database.owner_role]
        try:
            session.execute(statements.together([statements.drop_role(role) for role in roles]))
        except errors.DependentObjectsStillExist as error:
            raise ProvisioningFailed(
                f"The roles of {database.name} own something in another database.",
                advice=f"Ask the server's administrator to look at {database.owner_role} and"
                f" {database.login_role}.",
                code="role_in_use",
            ) from error

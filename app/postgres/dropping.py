"""Removing a database and its roles: steps that may each be repeated."""

from psycopg import errors

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.identifiers import RoleName
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
    """Drop its logins, then its owner; those that something still refers to stay, powerless.

    Raises:
        ProvisioningFailed: Some stayed. Whoever has a database on the server can grant them
            something there, which only its own login can take back.
    """
    left: list[RoleName] = []
    with explained("Dropping its roles"), access.session() as session:
        jobs = sorted(catalog.job_logins(session, database))
        for role in [*jobs, database.login_role, database.owner_role]:
            try:
                session.execute(statements.drop_role(role))
            except errors.DependentObjectsStillExist:
                left.append(role)
    if left:
        raise ProvisioningFailed(
            f"The database is gone, and something in another database refers to its roles"
            f" {', '.join(left)}.",
            advice="Ask the server's administrator where (pg_shdepend); they are dropped as soon"
            " as that is gone.",
            code="role_in_use",
        )

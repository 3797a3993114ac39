"""Removing a database and its roles: steps that may each be repeated.

DROP DATABASE can be neither part of a transaction nor conditional. So what is to be dropped is
renamed first, which can: to a name that nobody else uses and nothing is restored from.
"""

from contextlib import suppress

from psycopg import errors

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.identifiers import DatabaseName, RoleName
from app.postgres import catalog, statements
from app.postgres.access import Access
from app.postgres.fencing import fenced
from app.postgres.sealing import close, evict_logins, put_aside
from app.postgres.sessions import Session


def drop_database(access: Access, database: TenantDatabase) -> None:
    """Cut all sessions and drop it, also when an earlier attempt was interrupted."""
    with access.session("Dropping the database") as session:
        facts = catalog.read_our_database(session, database)
        if facts is None or facts.is_half_dropped:
            evict_logins(session, database)
        else:
            close(session, database, facts)
        if facts is not None:
            put_aside(session, database, facts)
        for name in catalog.set_aside(session, database):
            session.execute(statements.drop_database(name))


def drop_roles(access: Access, database: TenantDatabase) -> None:
    """Drop its logins, then its owner; those that something still refers to stay, powerless.

    The owner goes last and only with all others: the fence is in its comment. The data role goes
    with the last database that has it.

    Raises:
        ProvisioningFailed: Some stayed. Whoever has a database on the server can grant them
            something there, which only its own login can take back.
    """
    left: list[RoleName] = []
    owned: list[DatabaseName] = []
    with access.session("Dropping its roles") as session:
        jobs = sorted(catalog.job_logins(session, database))
        for role in [*jobs, database.login_role, database.owner_role]:
            if role == database.owner_role:
                if left:
                    break
                _drop_if_unused(session, database.data_role)
            try:
                _drop_role(session, database, role)
            except errors.DependentObjectsStillExist:
                left.append(role)
        if left:
            owned = catalog.owned_databases(session, database.owner_role)
    if owned:
        raise ProvisioningFailed(
            f"There is no database {database.name} any more, and its role owns"
            f" {', '.join(owned)}: that looks like the same database under another name.",
            advice=f"Rename it back to {database.name} and delete it again, or drop it on the"
            " server; its roles are dropped after that.",
            code="role_in_use",
        )
    if left:
        raise ProvisioningFailed(
            f"The database is gone, and something in another database refers to its roles"
            f" {', '.join(left)}.",
            advice="pg_shdepend, read by a superuser, says where; they are dropped as soon as that"
            " is gone.",
            code="role_in_use",
        )


def _drop_if_unused(session: Session, role: RoleName | None) -> None:
    if role is not None and catalog.existing_roles(session, [role]):
        with suppress(errors.UndefinedObject):  # another database of its app went just now
            session.execute(statements.drop_role_if_unused(role))


def _drop_role(session: Session, database: TenantDatabase, role: RoleName) -> None:
    if catalog.existing_roles(session, [role]):
        session.execute(fenced(database, [statements.drop_role(role)]))

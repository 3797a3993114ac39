"""Closing a database for good or for a while: its data stays."""

from psycopg import errors
from psycopg.sql import Composed

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.identifiers import DatabaseName
from app.core.standing import Fault
from app.postgres import catalog, statements
from app.postgres.access import Access
from app.postgres.catalog import DatabaseFacts
from app.postgres.eviction import change_row, in_short, overtaken_if_gone, shut_out
from app.postgres.fencing import fenced, is_still
from app.postgres.sessions import Session


def seal(access: Access, database: TenantDatabase) -> None:
    """Refuse new sessions, then end those that are open."""
    with access.session("Closing the database") as session:
        found = catalog.read_database(session, database.name)
        if found is not None and found.owner != database.owner_role:
            evict_logins(session, database)  # it is a stranger's, and the logins are ours
        facts = catalog.read_our_database(session, database)
        if facts is None or facts.is_half_dropped:
            evict_logins(session, database)
        else:
            close(session, database, facts)


def close(session: Session, database: TenantDatabase, facts: DatabaseFacts) -> None:
    """The same for the database that was found.

    A session of the tenant's may hold the row of its database: a GRANT of what the tenant may not
    give changes nothing, but updates it. Such sessions end before the row is waited for.
    """
    is_same = is_still(database.name, oid=facts.oid, marker=facts.marker)
    forbid = in_short(database, [*statements.shut(database), is_same])
    is_closed = not facts.is_open or _is_done(session, forbid)
    evict_logins(session, database)
    if not is_closed:
        change_row(session, database, lambda: session.execute(forbid))


def _is_done(session: Session, change: Composed) -> bool:
    """Whether it could be done at once."""
    try:
        session.execute(change)
    except errors.LockNotAvailable:
        return False
    return True


def evict_logins(session: Session, database: TenantDatabase) -> None:
    """Let no login of the database in, and end its sessions."""
    roles = catalog.logins(session, database)
    existing = catalog.existing_roles(session, [*roles, database.owner_role])
    roles = [role for role in roles if role in existing]
    if roles and database.owner_role not in existing:
        # An administrator dropped it; without it there is no fence, and nothing could be ended.
        session.execute(statements.create_role(database.owner_role))
    with overtaken_if_gone(session, roles):
        shut_out(session, database, roles)


def rename(access: Access, database: TenantDatabase, *, new_name: DatabaseName) -> None:
    """Rename it; done already if only the new name is there and is ours."""
    with access.session("Renaming the database") as session:
        if catalog.read_our_database(session, database) is None:
            renamed = catalog.read_database(session, new_name)
            if renamed and renamed.owner == database.owner_role and renamed.marker:
                return
        facts = catalog.need_our_database(session, database)
        try:
            move(session, database, facts, new_name=new_name)
        except errors.DuplicateDatabase as error:
            raise ProvisioningFailed(
                f"Naming conflict: the server already has a database {new_name}.",
                advice="Rename or drop that database on the server.",
                code="naming_conflict",
            ) from error


def move(
    session: Session, database: TenantDatabase, facts: DatabaseFacts, *, new_name: DatabaseName
) -> None:
    """Rename the database that was found, unless another stands under its name by now."""
    is_same = is_still(new_name, oid=facts.oid, marker=facts.marker)
    rename = statements.rename_database(database.name, new_name=new_name)
    session.execute(fenced(database, [rename, is_same]))


def put_aside(session: Session, database: TenantDatabase, facts: DatabaseFacts) -> DatabaseName:
    """Rename it to what is only ever dropped; possible also after an interrupted DROP."""
    aside = DatabaseName(f"{database.owner_role}-dropping-{facts.oid}")
    move(session, database, facts, new_name=aside)
    return aside


def need_ours(access: Access, database: TenantDatabase, *, may_lack_mark: bool = False) -> None:
    """Raise ProvisioningFailed unless the database is there, whole and with our marker."""
    with access.session("Finding the database") as session:
        try:
            catalog.need_our_database(session, database)
        except ProvisioningFailed as error:
            if not may_lack_mark or error.code != Fault.UNMARKED:
                raise

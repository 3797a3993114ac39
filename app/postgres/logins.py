"""The long-lived login of a database, and the check that a login reaches its database."""

from psycopg.sql import Composed

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.identifiers import RoleName
from app.core.instances import Address
from app.core.standing import Fault, failure
from app.postgres import allowances, catalog, statements
from app.postgres.access import Access
from app.postgres.eviction import alter_logins, shut_out
from app.postgres.failures import explained
from app.postgres.sessions import Session

# Qualified throughout: a tenant may have set a search path of its own for its sessions.
_WHERE_AM_I = (
    "SELECT pg_catalog.current_database()::pg_catalog.text,"
    " pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database"
    " WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()"
)


def set_password(access: Access, database: TenantDatabase, *, verifier: str) -> None:
    """Tell PostgreSQL the long-lived login's password; whether it may log in is said elsewhere.

    Takes milliseconds: PostgreSQL tries whether the password is the empty one.
    """
    with explained("Setting its password"), access.session() as session:
        change = statements.set_password(database.login_role, verifier=verifier)
        alter_logins(session, database, [change])


def issue(access: Access, database: TenantDatabase, *, password: str) -> None:
    """Let the long-lived login in, with no settings but ours; its password has been set."""
    with explained("Issuing its credentials"), access.session() as session:
        catalog.need_our_database(session, database)
        alter_logins(session, database, opening(session, database))
    check_marker(
        access,
        database,
        role=database.login_role,
        password=password,
        address=access.admin.address,
    )


def renew(access: Access, database: TenantDatabase, *, password: str, verifier: str) -> None:
    """End every session of the login, then let it in with this password and no settings but ours.

    The password last: should we die in between, the next attempt sees that it is not ours.
    """
    with explained("Ending its sessions"), access.session() as session:
        shut_out(session, database, [database.login_role])
    set_password(access, database, verifier=verifier)
    issue(access, database, password=password)


def opening(session: Session, database: TenantDatabase) -> list[Composed]:
    """What lets the long-lived login in, with no settings but ours."""
    login, allowed = database.login_role, allowances.allowance(session, database)
    change = [
        statements.allow_login(login),
        statements.limit_login(login, connections=allowed.connections.login),
        statements.reset_settings(login, database=database.name),
    ]
    if allowed.may_limit_temp_files:
        change.append(limit_temp_files(login, database))
    return change


def check_marker(
    access: Access, database: TenantDatabase, *, role: RoleName, password: str, address: Address
) -> None:
    """Connect as the login and see that it is in its database.

    Works through a pooler in transaction mode: one statement, no settings of ours.
    """
    with (
        explained("Checking its credentials"),
        access.as_tenant(database, role=role, password=password, address=address) as session,
    ):
        row = session.execute(_WHERE_AM_I).fetchone()
    if row == (database.name, None):
        raise failure(database.name, Fault.UNMARKED)
    if row != (database.name, database.marker):
        raise ProvisioningFailed(
            f"The login of {database.name} reached another database.",
            advice="Check the host and port of the instance and of its pooler: they must lead to"
            " the server that Coppice administers.",
            code="wrong_database",
        )


def limit_temp_files(role: RoleName, database: TenantDatabase) -> Composed:
    return statements.set_for_role(
        role,
        database=database.name,
        name="temp_file_limit",
        value=statements.TEMP_FILE_LIMIT,
    )

"""The long-lived login of a database, and the check that a login reaches its database."""

import logging

from psycopg.sql import Composed

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.identifiers import RoleName
from app.core.instances import Address
from app.core.standing import Fault, failure
from app.postgres import allowances, catalog, data_roles, role_settings, statements
from app.postgres.access import Access
from app.postgres.eviction import alter_logins, shut_out
from app.postgres.failures import explained
from app.postgres.passwords import given
from app.postgres.sessions import Session

_log = logging.getLogger(__name__)

# Qualified throughout: a tenant may have set a search path of its own for its sessions.
_WHERE_AM_I = (
    "SELECT pg_catalog.current_database()::pg_catalog.text,"
    " pg_catalog.shobj_description(oid, 'pg_database') FROM pg_catalog.pg_database"
    " WHERE datname OPERATOR(pg_catalog.=) pg_catalog.current_database()"
)


def set_password(access: Access, database: TenantDatabase, *, password: str) -> None:
    """Tell PostgreSQL the long-lived login's password; whether it may log in is said elsewhere.

    Takes milliseconds: PostgreSQL tries whether the password is the empty one.
    """
    with (
        access.session("Setting its password") as session,
        given(
            session, database.login_role, password, in_plain=access.has_plain_passwords
        ) as change,
    ):
        alter_logins(session, database, [change])


def issue(access: Access, database: TenantDatabase, *, password: str) -> None:
    """Let the long-lived login in, with harmless settings and ours; its password has been set."""
    with access.session("Issuing its credentials") as session:
        catalog.need_our_database(session, database)
        let_in(session, database)
    check_marker(access, database, password=password)


def renew(access: Access, database: TenantDatabase, *, password: str) -> None:
    """End every session of the login, then let it in with this password; settings as `let_in` says.

    The password last: should we die in between, the next attempt sees that it is not ours.
    """
    with access.session("Ending its sessions") as session:
        shut_out(session, database, [database.login_role])
    set_password(access, database, password=password)
    issue(access, database, password=password)


def let_in(
    session: Session, database: TenantDatabase, *, after_job: RoleName | None = None
) -> tuple[str, ...]:
    """Let the long-lived login in, with no settings but ours and what is harmless of a tenant's.

    `after_job`: a job's login at its end. What it set for itself or for the data role, which nobody
    would get any more, is the long-lived login's from then on; what we gave it is not.

    Returns the names of the settings that were taken back.
    """
    login = database.login_role
    found = role_settings.read(session, login, database)
    of_job = [] if after_job is None else role_settings.read_own(session, after_job, database)
    shared = [] if after_job is None else data_roles.settings(session, database)
    allowed = allowances.allowance(session, database)
    change = [
        statements.allow_login(login),
        statements.limit_login(login, connections=allowed.connections.login),
        statements.reset_settings(login, database=database.name),
    ]
    if allowed.may_limit_temp_files:
        change.append(limit_temp_files(login, database))
    if after_job is not None and of_job:
        # Once only: its end may be tried again, and another job may have set something since.
        change.append(statements.reset_settings(after_job, database=database.name))
    every = [*found, *of_job, *shared]
    settings = [role_settings.give(login, database, one) for one in role_settings.kept(every)]
    alter_logins(session, database, [*change, *settings])
    if after_job is not None and shared:
        around = data_roles.look_around(session, database, job=after_job)
        is_last = around is not None and not around.has_others
        data_roles.forget(session, database, here=True, everywhere=is_last)
    if not every:
        return ()
    # What a superuser gave the role stays whatever we say.
    names = role_settings.taken_back(every, role_settings.read(session, login, database))
    if names:
        _log.warning("%s: settings were taken back: %s", login, ", ".join(names))
    return names


def check_marker(
    access: Access,
    database: TenantDatabase,
    *,
    password: str,
    role: RoleName | None = None,
    address: Address | None = None,
) -> None:
    """Connect as the long-lived login, or as another, and see that it is in its database.

    Works through a pooler in transaction mode: one statement, no settings of ours.
    """
    with (
        explained("Checking its credentials"),
        access.as_tenant(
            database, role=role or database.login_role, password=password, address=address
        ) as session,
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

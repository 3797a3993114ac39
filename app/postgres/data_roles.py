"""What is on a data role, or should be, and concerns one of the databases that share it.

A job acts as that role, so what a migration sets for CURRENT_USER is set there. It does nothing:
nobody logs in as it. At the job's end the harmless part goes to the login of the database.

PostgreSQL does not remember which database a setting came from that was set for all of them. Such a
one stays until no other job of the app is left, and each of them takes it: that two branches run
the same migration is likelier than that they set the same thing differently.
"""

import logging
from dataclasses import dataclass, replace

from psycopg import errors
from psycopg.sql import SQL, Composed, Identifier

from app.core.databases import TenantDatabase
from app.core.identifiers import RoleName
from app.core.standing import Fault, failure
from app.postgres import role_settings, statements
from app.postgres.fencing import fenced
from app.postgres.role_settings import RoleSetting
from app.postgres.sessions import Session

_log = logging.getLogger(__name__)

# Sessions in other databases of the app may hold what is set for the role; nobody waits for them.
_LOCK_WAIT = "200ms"

# A job is known by the role that its sessions begin with. One that could not be dropped counts no
# more when its time is over.
_AROUND = """
SELECT
  EXISTS (SELECT FROM pg_shdepend WHERE deptype = 'o' AND refclassid = 'pg_authid'::regclass
    AND refobjid = login.oid
    AND dbid = (SELECT oid FROM pg_database WHERE datname = %(database)s)) AS is_owned_by_login,
  EXISTS (SELECT FROM pg_db_role_setting WHERE setrole = shared.oid
    AND setdatabase IN (0, (SELECT oid FROM pg_database WHERE datname = %(database)s))) AS is_set,
  EXISTS (SELECT FROM job WHERE pg_has_role(job.oid, login.oid, 'MEMBER')) AS has_others_here,
  EXISTS (SELECT FROM job) AS has_others
FROM pg_roles AS login, pg_roles AS shared
WHERE login.rolname = %(login)s AND shared.rolname = %(shared)s
"""
_WITH_JOBS = """
WITH job AS (
  SELECT login.oid FROM pg_db_role_setting JOIN pg_roles AS login ON login.oid = setrole
  JOIN pg_roles AS shared ON shared.rolname = %(shared)s
  WHERE 'role=' || shared.rolname = ANY (setconfig) AND pg_has_role(login.oid, shared.oid, 'MEMBER')
    AND login.rolname <> %(job)s AND login.rolvaliduntil > now()
)"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Around:
    """How things are between a database, its data role and the other jobs of its app."""

    is_owned_by_login: bool
    """The long-lived login owns something itself."""
    is_set: bool
    """Something is set for the data role, for all databases or this one."""
    has_others_here: bool
    """Another job is under way on this database."""
    has_others: bool
    """Another job is under way on one of the app's databases here."""


def look_around(session: Session, database: TenantDatabase, *, job: RoleName) -> Around | None:
    """How things are around a job; None: the database has no data role.

    Raises:
        ProvisioningFailed: The role is missing.
    """
    parameters = {
        "database": database.name,
        "login": database.login_role,
        "shared": database.data_role,
        "job": job,
    }
    if database.data_role is None:
        return None
    row = session.execute(_WITH_JOBS + _AROUND, parameters).fetchone()
    if row is None:
        raise failure(database.name, Fault.OWNERLESS)
    is_owned_by_login, is_set, has_others_here, has_others = row
    return Around(
        is_owned_by_login=is_owned_by_login,
        is_set=is_set,
        has_others_here=has_others_here,
        has_others=has_others,
    )


def settings(session: Session, database: TenantDatabase) -> list[RoleSetting]:
    """What is set for the data role, as what is for this database."""
    # Jobs of branches could leave theirs there too, and every clone of a template would have them.
    if database.data_role is None or database.is_template:
        return []
    found = role_settings.read(session, database.data_role, database)
    ordered = sorted(found, key=lambda one: one.is_in_database)
    return [replace(one, is_in_database=True) for one in ordered]


def forget(session: Session, database: TenantDatabase, *, here: bool, everywhere: bool) -> None:
    """Take what is set for the data role from it, where nobody else holds that just now."""
    if database.data_role is None:
        return
    role, name = Identifier(database.data_role), Identifier(database.name)
    if here:
        _try(session, database, SQL("ALTER ROLE {} IN DATABASE {} RESET ALL").format(role, name))
    if everywhere:
        _try(session, database, role_settings.forget(database.data_role))


def _try(session: Session, database: TenantDatabase, change: Composed) -> None:
    wait = statements.set_locally("lock_timeout", _LOCK_WAIT)
    try:
        session.execute(statements.together([wait, fenced(database, [change])]))
    except (errors.LockNotAvailable, errors.InternalError_):
        _log.info("%s: what is set for its data role is in use", database.name)

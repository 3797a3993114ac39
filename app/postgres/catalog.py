"""What the catalog says about a tenant's database and roles; reads only, nothing of a tenant's."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.identifiers import DatabaseName, RoleName
from app.core.standing import Fault, Standing, StandingDatabase, failure
from app.operations.ports.postgres import DatabaseSize
from app.postgres.sessions import Session

# The catalog's mark of a DROP DATABASE that was interrupted: only another DROP is possible, and
# ALTER DATABASE would end the session.
# https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/catalog/pg_database.h
_HALF_DROPPED = -2
SHUT_FOR_A_WHILE = "coppice shut"
"""How the comment of a long-lived login begins that waits after a job; see `reclaiming`."""
_TO_ENTER = {"CONNECT"}
_TO_MAKE = {"CREATE", "TEMPORARY"}


@dataclass(frozen=True, slots=True, kw_only=True)
class DatabaseFacts:
    """A database as the catalog has it."""

    oid: int
    owner: RoleName
    is_open: bool
    is_half_dropped: bool
    marker: str | None


def read_database(session: Session, name: DatabaseName) -> DatabaseFacts | None:
    row = session.execute(
        "SELECT oid, pg_get_userbyid(datdba), datallowconn, datconnlimit,"
        " shobj_description(oid, 'pg_database') FROM pg_database WHERE datname = %s",
        [name],
    ).fetchone()
    if row is None:
        return None
    oid, owner, is_open, limit, marker = row
    return DatabaseFacts(
        oid=oid,
        owner=RoleName(owner),
        is_open=is_open,
        is_half_dropped=limit == _HALF_DROPPED,
        marker=marker,
    )


def read_our_database(session: Session, database: TenantDatabase) -> DatabaseFacts | None:
    """The database, if it is there.

    Raises:
        ProvisioningFailed: One of this name is there and is not ours. It is never taken over.
    """
    facts = read_database(session, database.name)
    if facts is None:
        return None
    if facts.owner != database.owner_role:
        raise failure(database.name, Fault.REPLACED)
    if not database.is_ours(facts.marker):
        raise failure(database.name, Fault.CHANGED)
    return facts


def need_our_database(session: Session, database: TenantDatabase) -> DatabaseFacts:
    """The whole database with our marker, or ProvisioningFailed."""
    facts = read_our_database(session, database)
    if facts is None or facts.is_half_dropped:
        raise failure(database.name, Fault.MISSING)
    if facts.marker is None:
        raise failure(database.name, Fault.UNMARKED)
    return facts


def check_confined(session: Session, database: TenantDatabase) -> None:
    """Raise ProvisioningFailed unless only the owner and the login may connect to the database.

    Its data role may make things inside and nothing else; nobody else has any right on it.

    A REVOKE by somebody who may not is only a warning to PostgreSQL, so the result is read back.
    """
    rows = session.execute(
        "SELECT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE pg_get_userbyid(grantee)::text END,"
        " array_agg(privilege_type) FROM pg_database,"
        " aclexplode(coalesce(datacl, acldefault('d', datdba))) WHERE datname = %s GROUP BY 1",
        [database.name],
    )
    rights = {grantee: set(privileges) for grantee, privileges in rows}
    login, shared = database.login_role, database.data_role
    right = (
        {login: _TO_ENTER | _TO_MAKE} if shared is None else {login: _TO_ENTER, shared: _TO_MAKE}
    )
    rights.pop(database.owner_role, None)
    wrong = {role for role in rights.keys() | right if rights.get(role) != right.get(role)}
    if wrong:
        raise ProvisioningFailed(
            f"The grants on database {database.name} are not as they must be"
            f" ({', '.join(sorted(wrong))}).",
            advice="Find out who else changes grants there, then use Fix.",
            code="grants_wrong",
        )


def set_aside(session: Session, database: TenantDatabase) -> list[DatabaseName]:
    """What was renamed in order to be dropped, and has not been."""
    rows = session.execute(
        "SELECT datname::text FROM pg_database WHERE pg_get_userbyid(datdba) = %(owner)s"
        " AND starts_with(datname::text, %(owner)s || '-dropping-')",
        {"owner": database.owner_role},
    )
    return [DatabaseName(name) for (name,) in rows]


def existing_roles(session: Session, roles: Sequence[RoleName]) -> set[RoleName]:
    rows = session.execute(
        "SELECT rolname::text FROM pg_roles WHERE rolname = ANY(%s)", [list(roles)]
    )
    return {RoleName(name) for (name,) in rows}


def job_logins(session: Session, database: TenantDatabase) -> set[RoleName]:
    """The roles that are members of the long-lived login and called as ours are.

    An administrator may have granted it to a role of a person's: that is not ours to end, or drop.
    """
    rows = session.execute(
        "SELECT DISTINCT pg_get_userbyid(member)::text FROM pg_auth_members"
        " WHERE pg_get_userbyid(roleid) = %(login)s AND pg_get_userbyid(member) <> current_user"
        " AND starts_with(pg_get_userbyid(member)::text, split_part(%(login)s, '-', 1) || '-')",
        {"login": database.login_role},
    )
    return {RoleName(name) for (name,) in rows}


def ended_job_logins(session: Session, database: TenantDatabase) -> set[RoleName]:
    """Those that can do nothing any more, and were not dropped: something is left to them."""
    rows = session.execute(
        "SELECT job.rolname::text FROM pg_auth_members JOIN pg_roles AS job ON job.oid = member"
        " WHERE pg_get_userbyid(roleid) = %(login)s AND job.rolname <> current_user"
        " AND starts_with(job.rolname::text, split_part(%(login)s, '-', 1) || '-')"
        " AND NOT (inherit_option OR set_option OR rolcanlogin)",
        {"login": database.login_role},
    )
    return {RoleName(name) for (name,) in rows}


def logins(session: Session, database: TenantDatabase) -> list[RoleName]:
    """All that may log in to it; each of them may alter the first, the long-lived one."""
    return [database.login_role, *sorted(job_logins(session, database))]


def database_sizes(
    session: Session, *, only: Sequence[DatabaseName] | None = None
) -> list[DatabaseSize]:
    """Sizes of the databases that belong to roles whose rights the service has."""
    rows = session.execute(
        "SELECT datname::text, pg_database_size(oid) FROM pg_database"
        " WHERE pg_has_role(datdba, 'USAGE') AND NOT datistemplate"
        " AND has_database_privilege(oid, 'CONNECT')"
        " AND (%(only)s::text[] IS NULL OR datname = ANY(%(only)s))",
        {"only": None if only is None else list(only)},
    )
    # A database that is dropped meanwhile has no size.
    return [
        DatabaseSize(name=DatabaseName(name), size_bytes=size)
        for name, size in rows
        if size is not None
    ]


def standing(
    session: Session, roles: Sequence[RoleName], *, only: Sequence[DatabaseName] | None
) -> Standing:
    """Every database of the server, or those with these names, and whether roles may log in."""
    rows = session.execute(
        "SELECT datname::text, pg_get_userbyid(datdba)::text, datallowconn, datconnlimit,"
        " shobj_description(oid, 'pg_database') FROM pg_database"
        " WHERE %(only)s::text[] IS NULL OR datname = ANY(%(only)s)",
        {"only": None if only is None else list(only)},
    )
    databases = {
        DatabaseName(name): StandingDatabase(
            owner=RoleName(owner),
            marker=marker,
            is_open=is_open,
            is_half_dropped=limit == _HALF_DROPPED,
        )
        for name, owner, is_open, limit, marker in rows
    }
    logins = session.execute(
        "SELECT rolname::text, rolcanlogin,"
        " coalesce(starts_with(shobj_description(oid, 'pg_authid'), %s), false)"
        " FROM pg_roles WHERE rolname = ANY(%s)",
        [SHUT_FOR_A_WHILE, list(roles)],
    ).fetchall()
    return Standing(
        databases=databases,
        logins={RoleName(name): may_log_in for name, may_log_in, _ in logins},
        shut_for_a_while=frozenset(RoleName(name) for name, _, is_shut in logins if is_shut),
    )


def database_names(session: Session, *, prefix: str) -> list[DatabaseName]:
    rows = session.execute(
        "SELECT datname::text FROM pg_database WHERE starts_with(datname::text, %s) ORDER BY 1",
        [prefix],
    )
    return [DatabaseName(name) for (name,) in rows]


def owned_databases(session: Session, owner: RoleName) -> list[DatabaseName]:
    """All that a role owns on the server, whatever they are called."""
    rows = session.execute(
        "SELECT d.datname FROM pg_catalog.pg_database d JOIN pg_catalog.pg_roles r"
        " ON r.oid = d.datdba WHERE r.rolname = %s ORDER BY d.datname",
        [owner],
    ).fetchall()
    return [DatabaseName(name) for (name,) in rows]

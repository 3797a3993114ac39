"""What a server allows the logins of a database, and which databases have it otherwise."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import LiteralString

from psycopg.sql import SQL

from app.core.connections import Connections, connections
from app.core.databases import TenantDatabase
from app.core.identifiers import DatabaseName
from app.postgres.sessions import Session

# What is left of max_connections for roles without a right to the reserved ones.
# https://www.postgresql.org/docs/current/runtime-config-connection.html#GUC-RESERVED-CONNECTIONS
_ROOM: LiteralString = """current_setting('max_connections')::int
  - current_setting('superuser_reserved_connections')::int
  - current_setting('reserved_connections')::int"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a login of a database gets of its server."""

    connections: Connections
    may_limit_temp_files: bool
    """Whether the service may set temp_file_limit for a role."""


def allowance(session: Session, database: TenantDatabase) -> Allowance:
    query = SQL("SELECT {room}, has_parameter_privilege('temp_file_limit', 'SET')")
    [(room, may_limit)] = session.execute(query.format(room=SQL(_ROOM))).fetchall()
    return Allowance(
        connections=connections(database.connections, room=room), may_limit_temp_files=may_limit
    )


def with_other_limits(session: Session, databases: Sequence[TenantDatabase]) -> list[DatabaseName]:
    """Those of these databases that allow themselves, or their logins, another number of sessions.

    Of jobs' logins only those that may log in are looked at.
    """
    query = SQL(
        "SELECT datname::text, datconnlimit, {room}, login.rolconnlimit,"
        " ARRAY(SELECT job.rolconnlimit FROM pg_auth_members JOIN pg_roles AS job"
        "   ON job.oid = member WHERE roleid = login.oid AND job.rolcanlogin"
        "   AND job.rolname <> current_user"
        "   AND starts_with(job.rolname::text, split_part(login.rolname, '-', 1) || '-'))"
        " FROM unnest(%s::text[], %s::text[]) AS given (database, role)"
        " JOIN pg_database ON datname = given.database"
        " JOIN pg_roles AS login ON login.rolname = given.role"
    ).format(room=SQL(_ROOM))
    by_name = {one.name: one for one in databases}
    rows = session.execute(query, [list(by_name), [one.login_role for one in by_name.values()]])
    found = []
    for name, of_database, room, of_login, of_jobs in rows:
        right = connections(by_name[DatabaseName(name)].connections, room=room)
        is_right = (of_database, of_login) == (right.database, right.login)
        if not is_right or set(of_jobs) - {right.job}:
            found.append(DatabaseName(name))
    return found

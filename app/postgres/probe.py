"""Looking at a server and at the service's role on it."""

from collections.abc import Iterator
from typing import LiteralString

from psycopg.rows import class_row

from app.core import managed
from app.core.findings import ServerReport
from app.core.instances import AdminLogin, SslMode
from app.postgres.failures import explained
from app.postgres.findings import OLDEST_VERSION, RoleFacts, ServerFacts, list_findings, too_old
from app.postgres.sessions import Session, open_for_probe

_ROLE = """
SELECT rolname::text AS name, rolsuper AS is_superuser,
       rolcreatedb OR rolsuper AS may_create_databases,
       rolcreaterole OR rolsuper AS may_create_roles,
       rolconnlimit AS connection_limit,
       rolvaliduntil IS NOT NULL AND rolvaliduntil < 'infinity' AS expires,
       pg_has_role(oid, 'pg_signal_backend', 'USAGE') AS may_end_sessions,
       pg_has_role(oid, 'pg_use_reserved_connections', 'USAGE') AS may_use_reserved_connections,
       has_parameter_privilege('temp_file_limit', 'SET') AS may_limit_temp_files
FROM pg_roles WHERE rolname = current_user
"""

_SERVER = """
SELECT pg_is_in_recovery() AS is_standby,
       current_setting('search_path') <> 'pg_catalog' OR pg_backend_pid() <> %(pid)s AS is_pooled,
       coalesce((SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()), false) AS is_encrypted,
       %(wants_encryption)s AS wants_encryption,
       current_setting('default_transaction_read_only')::bool AS begins_read_only,
       current_setting('max_connections')::int
         - current_setting('superuser_reserved_connections')::int
         - current_setting('reserved_connections')::int AS connections,
       current_setting('reserved_connections')::int AS reserved_connections,
       current_setting('max_prepared_transactions')::int AS prepared_transactions,
       (SELECT pg_encoding_to_char(encoding) = 'UTF8' OR datcollate IN ('C', 'POSIX')
          FROM pg_database WHERE datname = 'template0') AS can_make_utf8,
       ARRAY(SELECT datname::text FROM pg_database
              WHERE datallowconn AND has_database_privilege('public', oid, 'CONNECT')
              ORDER BY datname) AS open_databases,
       ARRAY(SELECT DISTINCT ARRAY[datname, job.rolname, pg_get_userbyid(roleid)]::text[]
                FROM pg_auth_members
               JOIN pg_roles AS job ON job.oid = member
               JOIN pg_shdepend ON refobjid = member AND deptype = 'o'
               JOIN pg_database ON pg_database.oid = dbid AND pg_has_role(datdba, 'USAGE')
              WHERE NOT (inherit_option OR set_option OR rolcanlogin)
              ORDER BY 1) AS left_behind,
       current_database()::text AS database, %(host)s AS host,
       ARRAY(SELECT rolname::text FROM pg_roles WHERE rolname = ANY(%(roles)s)) AS roles,
       ARRAY(SELECT DISTINCT split_part(name, '.', 1) FROM pg_settings
              WHERE strpos(name, '.') > 0 UNION ALL SELECT 'cnpg'
              WHERE starts_with(current_setting('archive_command'), '/controller/manager '))
         AS families,
       coalesce(current_setting('allow_alter_system', true)::bool, true) AS may_alter_system
"""
# Anybody may read it unless it was revoked; a query that names it would fail as a whole then.
# https://www.postgresql.org/docs/current/functions-info.html#FUNCTIONS-INFO-CONTROLDATA
_MAY_READ_IDENTIFIER = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE')"
_IDENTIFIER = "SELECT system_identifier::text FROM pg_control_system()"

_OFTEN_ASKED_FOR = ["pgcrypto", "uuid-ossp", "vector", "postgis"]
_LACKED_EXTENSIONS = """
SELECT name FROM unnest(%s::text[]) AS name
WHERE name NOT IN (SELECT name::text FROM pg_available_extensions)
"""
_FIRST_WITH_ICU_VERSION = 170_000
_HAS_ICU_VERSION = "SELECT icu_unicode_version() IS NOT NULL"
_HAS_ICU_COLLATIONS = "SELECT EXISTS (SELECT FROM pg_collation WHERE collprovider = 'i')"
_IS_BUILT_WITH_TLS = "SELECT current_setting('ssl_library') <> ''"


def probe(admin: AdminLogin) -> ServerReport:
    """Report what is missing. Only reads.

    Raises:
        ServerUnreachable, OutOfConnections, LoginRefused: There is no session to ask in.
    """
    with explained("Testing the connection"), open_for_probe(admin) as session:
        version = session.info.server_version
        name = session.info.parameter_status("server_version") or str(version)
        if version < OLDEST_VERSION:
            return ServerReport(version=name, findings=(too_old(name),))
        server = _server(session, admin=admin)
        findings = list_findings(_role(session), server)
        return ServerReport(
            version=name,
            findings=findings,
            system_identifier=_system_identifier(session),
            has_tls=_has_tls(session),
            room=server.connections,
            lacks=tuple(_lacks(session)),
        )


def _has_tls(session: Session) -> bool:
    # A proxy may have encrypted the way to it, of which the server knows nothing.
    is_on = _is_true(session, "SELECT current_setting('ssl')::bool")
    return is_on or session.pgconn.ssl_in_use


def _lacks(session: Session) -> Iterator[str]:
    yield from (name for (name,) in session.execute(_LACKED_EXTENSIONS, [_OFTEN_ASKED_FOR]))
    has_function = session.info.server_version >= _FIRST_WITH_ICU_VERSION
    icu = _HAS_ICU_VERSION if has_function else _HAS_ICU_COLLATIONS
    if not _is_true(session, icu):
        yield "ICU collations"
    if not _is_true(session, _IS_BUILT_WITH_TLS):
        yield "TLS"


def _is_true(session: Session, question: LiteralString) -> bool:
    [(answer,)] = session.execute(question).fetchall()
    return bool(answer)


def _system_identifier(session: Session) -> str | None:
    if not _is_true(session, _MAY_READ_IDENTIFIER):
        return None
    [(identifier,)] = session.execute(_IDENTIFIER).fetchall()
    return str(identifier)


def _role(session: Session) -> RoleFacts:
    with session.cursor(row_factory=class_row(RoleFacts)) as cursor:
        return next(iter(cursor.execute(_ROLE)))


def _server(session: Session, *, admin: AdminLogin) -> ServerFacts:
    parameters = {
        # What the other side said at the start: a pooler tells of a process that it made up.
        "pid": session.info.backend_pid,
        "wants_encryption": admin.address.sslmode is not SslMode.DISABLE,
        "host": admin.address.host,
        "roles": [role for one in managed.ALL for role in one.roles],
    }
    with session.cursor(row_factory=class_row(ServerFacts)) as cursor:
        return next(iter(cursor.execute(_SERVER, parameters)))

"""What facts about a server mean for the service: pure, each with the SQL that mends it."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from psycopg.sql import Identifier

from app.core.amounts import listed
from app.core.findings import Finding
from app.core.managed import Managed, managed_by

OLDEST_VERSION = 160_000
_FEW_CONNECTIONS = 60
_NAMES_SHOWN = 5
_SESSIONS_OF_ONE = 3
"""At once, for a single database: one kept, one in the database, one to look at both."""
_SESSIONS_OF_MANY = 20
"""Where jobs and requests of several processes work on many databases."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RoleFacts:
    """The role that the service logs in as."""

    name: str
    is_superuser: bool
    may_create_databases: bool
    may_create_roles: bool
    expires: bool
    may_end_sessions: bool
    may_use_reserved_connections: bool
    may_limit_temp_files: bool
    connection_limit: int = -1
    """Sessions that it may have at once; -1: as many as there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerFacts:
    """The server, and the way to it."""

    is_standby: bool
    is_pooled: bool
    is_encrypted: bool
    wants_encryption: bool
    connections: int
    """Sessions for everybody: without those reserved for superusers and for the service."""
    reserved_connections: int
    prepared_transactions: int
    can_make_utf8: bool
    open_databases: list[str]
    """Names of the databases to which every login may connect."""
    left_behind: list[list[str]]
    """Databases in which something still belongs to an ended job's role: each with the name of
    that, and of the login that it should belong to."""
    database: str = "postgres"
    """The one that the service connects to."""
    host: str = ""
    roles: list[str] = field(default_factory=list)
    """Those by which a service that runs servers for others is known."""
    families: list[str] = field(default_factory=list)
    """What the names of its settings begin with, up to the dot."""
    may_alter_system: bool = True
    begins_read_only: bool = False
    """Transactions of the role do, by a setting of whatever level."""

    @property
    def managed(self) -> Managed | None:
        """The service that runs it."""
        return managed_by(
            host=self.host,
            roles=self.roles,
            families=self.families,
            may_alter_system=self.may_alter_system,
        )


def too_old(version: str) -> Finding:
    return Finding(
        code="version",
        message=f"The server is PostgreSQL {version}; Coppice needs 16 or newer.",
        advice="Upgrade the server: a role without superuser rights can only manage other roles"
        " safely since PostgreSQL 16.",
        is_fatal=True,
    )


def list_findings(role: RoleFacts, server: ServerFacts) -> tuple[Finding, ...]:
    """All that a person should know, what prevents linking first."""
    managed = server.managed
    found = [
        *_of_role(role, server, managed),
        *_of_server(role, server, managed),
        *_of_reserve(role, server, managed),
    ]
    return tuple(sorted(found, key=lambda finding: not finding.is_fatal))


def _set(managed: Managed | None, name: str, value: str) -> str:
    """How a setting is changed that needs a restart: managed servers have no ALTER SYSTEM."""
    if managed is None:
        return f"ALTER SYSTEM SET {name} = {value}; and restart."
    return f"Set {name} to {value} in {managed.settings_at}, and restart the server."


def _grant(managed: Managed | None, statement: str) -> str:
    """A grant that only a superuser can make, of which there may be none."""
    if managed is None or managed.has_superuser:
        return statement
    return (
        f"On {managed.name} nobody may be a superuser. Try it as the administrator that you were"
        f" given: {statement} If that is refused, accept it: `coppice instances acknowledge`."
    )


def _of_role(role: RoleFacts, server: ServerFacts, managed: Managed | None) -> Iterator[Finding]:
    name = _quoted(role.name)
    if not role.may_create_databases:
        yield _fatal(
            "createdb", "The role may not create databases.", f"ALTER ROLE {name} CREATEDB;"
        )
    if not role.may_create_roles:
        yield _fatal(
            "createrole", "The role may not create roles.", f"ALTER ROLE {name} CREATEROLE;"
        )
    if role.is_superuser:
        yield _hint(
            "superuser",
            "The role is a superuser, which is more than the service needs.",
            "CREATE ROLE coppice_admin LOGIN CREATEDB CREATEROLE PASSWORD 'a long one of your own';"
            f" GRANT CONNECT ON DATABASE {_quoted(server.database)} TO coppice_admin; and link with"
            " that role and password.",
        )
    if not role.may_end_sessions:
        yield _hint(
            "signal_backend",
            "The role may not end other roles' sessions; the service takes each tenant's rights"
            " for a moment to do it.",
            _grant(managed, f"GRANT pg_signal_backend TO {name};"),
        )
    if not role.may_limit_temp_files:
        yield _hint(
            "temp_file_limit",
            "The role may not limit temporary files, so one query can fill the disk with them.",
            _limit_of_temp_files(managed, f"GRANT SET ON PARAMETER temp_file_limit TO {name};"),
        )
    if 0 <= role.connection_limit < _SESSIONS_OF_MANY and not role.is_superuser:
        yield _connection_limit(role)
    if role.expires:
        yield _hint(
            "expires",
            "The role's password has an end date, after which nothing can be created or dropped.",
            f"ALTER ROLE {name} VALID UNTIL 'infinity';",
        )


def _connection_limit(role: RoleFacts) -> Finding:
    return Finding(
        code="connection_limit",
        message=f"The role may have {role.connection_limit} connections at once (CONNECTION LIMIT):"
        f" a single database takes the service {_SESSIONS_OF_ONE}, and many at a time up to"
        f" {_SESSIONS_OF_MANY}.",
        advice=f"ALTER ROLE {_quoted(role.name)} CONNECTION LIMIT -1;",
        is_fatal=role.connection_limit < _SESSIONS_OF_ONE,
    )


def _limit_of_temp_files(managed: Managed | None, statement: str) -> str:
    if managed is None or managed.has_superuser:
        return statement
    return (
        f"Set temp_file_limit for the whole server in {managed.settings_at}, to 2GB for instance."
    )


def _of_writing(role: RoleFacts, server: ServerFacts) -> Iterator[Finding]:
    name = _quoted(role.name)
    if server.is_standby:
        yield _fatal(
            "standby", "The server is a standby and read-only.", "Link the primary server."
        )
    elif server.begins_read_only:
        yield _fatal(
            "read_only",
            "Each transaction of the role begins read-only (default_transaction_read_only).",
            # Of whoever runs this they may begin so too. What is set for a role in one database
            # is stronger than what is set for the role.
            f"BEGIN READ WRITE; ALTER ROLE {name} SET default_transaction_read_only = off; ALTER"
            f" ROLE {name} IN DATABASE {_quoted(server.database)} RESET"
            " default_transaction_read_only; COMMIT; Services that run servers for others turn it"
            " on when the disk is full: then make room.",
        )


def _of_server(role: RoleFacts, server: ServerFacts, managed: Managed | None) -> Iterator[Finding]:
    yield from _of_writing(role, server)
    if server.is_pooled:
        yield _fatal(
            "pooler",
            "A pooler answers at this address; the service needs sessions of its own.",
            "Link the server's own address, and give the pooler's as the instance's pooler.",
        )
    if not server.can_make_utf8:
        yield _fatal(
            "encoding",
            "The server's locale does not allow UTF-8 databases.",
            "Use a server whose template0 has encoding UTF8 or locale C.",
        )
    if server.wants_encryption and not server.is_encrypted:
        yield _hint(
            "tls",
            "The connection is not encrypted: passwords are safe, data and queries are not.",
            "Turn ssl on at the server and link with sslmode verify-full.",
        )
    theirs = managed.own_databases if managed else frozenset()
    open_databases = [name for name in server.open_databases if name not in theirs]
    if open_databases:
        yield _open_databases(open_databases, role=role)
    if server.prepared_transactions:
        yield _hint(
            "prepared_transactions",
            "Two-phase transactions are on; one that a job leaves behind keeps its database from"
            " being dropped.",
            _set(managed, "max_prepared_transactions", "0"),
        )
    if server.left_behind:
        has_superuser = managed is None or managed.has_superuser
        yield _left_behind(server.left_behind, has_superuser=has_superuser)


def _left_behind(left: list[list[str]], *, has_superuser: bool) -> Finding:
    databases = list(dict.fromkeys(database for database, _, _ in left))
    # All or nothing: what was not made over to the login would be dropped.
    by_hand = [
        f" In {database}: BEGIN; REASSIGN OWNED BY {_quoted(job)} TO {_quoted(login)};"
        f" DROP OWNED BY {_quoted(job)}; COMMIT;"
        for database, job, login in left[:_NAMES_SHOWN]
    ]
    return _hint(
        "left_behind",
        f"In {listed(databases, most=_NAMES_SHOWN)} something still belongs to the"
        " role of a job that has ended and could not be handed over to the database's login."
        " Nobody can be that role any more.",
        "Fix the database once nothing holds it locked (`coppice databases fix`)."
        + (" Or do it by hand, as a superuser." + "".join(by_hand) if has_superuser else ""),
    )


def _of_reserve(role: RoleFacts, server: ServerFacts, managed: Managed | None) -> Iterator[Finding]:
    if server.connections < _FEW_CONNECTIONS:
        yield _hint(
            "max_connections",
            f"The server has only {server.connections} connections for everybody.",
            _set(managed, "max_connections", "200"),
        )
    has_reserve = server.reserved_connections and role.may_use_reserved_connections
    if not has_reserve and not role.is_superuser:
        yield _hint(
            "reserved_connections",
            "No connections are kept for the service: tenants can use up all of them.",
            _reserve(managed, f"GRANT pg_use_reserved_connections TO {_quoted(role.name)};"),
        )


def _reserve(managed: Managed | None, grant: str) -> str:
    if managed is None:
        # Apart: what is sent at once is one transaction, and ALTER SYSTEM is in none.
        return f"ALTER SYSTEM SET reserved_connections = 5; then {grant} and restart."
    return f"{_set(managed, 'reserved_connections', '5')} Then: {_grant(managed, grant)}"


def _open_databases(names: list[str], *, role: RoleFacts) -> Finding:
    shown = listed(names, most=_NAMES_SHOWN)
    databases = ", ".join(_quoted(name) for name in names[:_NAMES_SHOWN])
    # In the order in which it is to be run: without its own grant the service is shut out, too.
    return _hint(
        "public_connect",
        f"Every login may connect to {shown}, tenants' logins included.",
        f"As their owner or a superuser, in this order: GRANT CONNECT ON DATABASE {databases} TO"
        f" {_quoted(role.name)}; then the same for every other role that uses them; then REVOKE"
        f" CONNECT ON DATABASE {databases} FROM PUBLIC;",
    )


def _fatal(code: str, message: str, advice: str) -> Finding:
    return Finding(code=code, message=message, advice=advice, is_fatal=True)


def _hint(code: str, message: str, advice: str) -> Finding:
    return Finding(code=code, message=message, advice=advice, is_fatal=False)


def _quoted(name: str) -> str:
    return Identifier(name).as_string()

"""The SQL that shapes roles and databases: pure composition, names always quoted.

Statements that belong together are joined with `together`: PostgreSQL runs them as one
transaction, in one round trip.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime

from psycopg.sql import SQL, Composable, Composed, Identifier, Literal

from app.core.databases import TenantDatabase
from app.core.identifiers import DatabaseName, RoleName

TEMP_FILE_LIMIT = "2GB"

_POWERLESS = SQL("NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS")


def together(statements: Iterable[Composed]) -> Composed:
    return SQL(";\n").join(statements)


# --- roles ---------------------------------------------------------------------------------------


def create_role(role: RoleName) -> Composed:
    """A role that can do nothing yet, not even log in."""
    return SQL("CREATE ROLE {role} NOLOGIN {powerless}").format(
        role=Identifier(role), powerless=_POWERLESS
    )


def act_for(role: RoleName) -> Composed:
    """Let the service do what the role may, as if it were its own right."""
    return SQL("GRANT {} TO CURRENT_USER WITH INHERIT TRUE, SET TRUE").format(Identifier(role))


def become(role: RoleName) -> Composed:
    """Let the service switch to the role, and do nothing of its by accident."""
    return SQL("GRANT {} TO CURRENT_USER WITH INHERIT FALSE, SET TRUE").format(Identifier(role))


def drop_role_if_unused(role: RoleName) -> Composed:
    """Drop it unless it owns or may something anywhere on the server, or somebody is its member.

    The GRANT changes nothing. Its lock keeps others from granting the role before it is dropped.
    """
    drop = """
BEGIN
    IF NOT EXISTS (SELECT FROM pg_shdepend WHERE refclassid = 'pg_authid'::regclass
            AND refobjid = (SELECT oid FROM pg_roles WHERE rolname = {name})
            AND classid <> 'pg_auth_members'::regclass)
        AND NOT EXISTS (SELECT FROM pg_auth_members
            WHERE pg_get_userbyid(roleid) = {name} AND pg_get_userbyid(member) <> current_user)
    THEN {drop};
    END IF;
END"""
    text = SQL(drop).format(name=Literal(role), drop=drop_role(role)).as_string()
    return together([become(role), SQL("DO {}").format(Literal(text))])


def drop_role(role: RoleName) -> Composed:
    return SQL("DROP ROLE IF EXISTS {}").format(Identifier(role))


def forbid_login(role: RoleName) -> Composed:
    """Refuse new sessions; those that are open go on."""
    return SQL("ALTER ROLE {} NOLOGIN").format(Identifier(role))


def end_sessions(roles: Sequence[RoleName]) -> Composed:
    """Tell every session of these roles to end; there is a row for each."""
    # Of other roles' sessions only this much is shown: not, for instance, what kind they are.
    return SQL(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = ANY({})"
    ).format(Literal(list(roles)))


def end_sessions_that_alter_roles(roles: Sequence[RoleName]) -> Composed:
    """The same for those that have altered a role, or its settings, and not committed."""
    return end_sessions(roles) + SQL(
        " AND pid IN (SELECT pid FROM pg_locks WHERE mode = 'RowExclusiveLock'"
        " AND relation IN ('pg_authid'::regclass, 'pg_db_role_setting'::regclass))"
    )


def allow_login(role: RoleName) -> Composed:
    return SQL("ALTER ROLE {} LOGIN").format(Identifier(role))


def limit_login(role: RoleName, *, connections: int) -> Composed:
    return SQL("ALTER ROLE {} CONNECTION LIMIT {}").format(Identifier(role), Literal(connections))


def set_password(role: RoleName, *, verifier: str) -> Composed:
    return SQL("ALTER ROLE {} PASSWORD {}").format(Identifier(role), Literal(verifier))


def create_job_login(role: RoleName, *, member_of: RoleName, valid_until: datetime) -> Composed:
    """Without a password it lets nobody in so far."""
    return SQL("CREATE ROLE {role} LOGIN {powerless} VALID UNTIL {until} IN ROLE {group}").format(
        role=Identifier(role),
        powerless=_POWERLESS,
        until=Literal(valid_until.isoformat()),
        group=Identifier(member_of),
    )


def alter_job_login(role: RoleName, *, valid_until: datetime) -> Composed:
    return SQL("ALTER ROLE {role} LOGIN VALID UNTIL {until}").format(
        role=Identifier(role), until=Literal(valid_until.isoformat())
    )


def arm(role: RoleName, *, with_rights_of: RoleName) -> Composed:
    """Let a login do all that another role may, in its own name and by switching to it."""
    return SQL("GRANT {group} TO {role} WITH INHERIT TRUE, SET TRUE").format(
        group=Identifier(with_rights_of), role=Identifier(role)
    )


def disarm(role: RoleName, *, of_rights_of: RoleName) -> Composed:
    """Take these rights from it; it stays a member, by which it is found again."""
    return SQL("GRANT {group} TO {role} WITH INHERIT FALSE, SET FALSE").format(
        group=Identifier(of_rights_of), role=Identifier(role)
    )


def comment_on_role(role: RoleName, text: str | None) -> Composed:
    return SQL("COMMENT ON ROLE {} IS {}").format(Identifier(role), Literal(text))


def reset_settings(role: RoleName, *, database: DatabaseName) -> Composed:
    """Forget every setting that a role has, whoever made it."""
    names = {"role": Identifier(role), "database": Identifier(database)}
    return together(
        [
            SQL("ALTER ROLE {role} RESET ALL").format(**names),
            SQL("ALTER ROLE {role} IN DATABASE {database} RESET ALL").format(**names),
        ]
    )


def set_for_role(role: RoleName, *, database: DatabaseName, name: str, value: str) -> Composed:
    return SQL("ALTER ROLE {role} IN DATABASE {database} SET {name} = {value}").format(
        role=Identifier(role),
        database=Identifier(database),
        name=Identifier(name),
        value=Literal(value),
    )


# --- databases -----------------------------------------------------------------------------------


def create_database(database: TenantDatabase, *, strategy: str = "wal_log") -> Composed:
    """A database that nobody can connect to yet: every login could, before PUBLIC is revoked.

    From its template, whose encoding and locale it has, or else from template0. Nobody can be
    connected to either: a session in there makes CREATE DATABASE wait five seconds and fail.
    """
    origin: Composable = SQL("template0 ENCODING 'UTF8'")
    if database.template is not None:
        origin = Identifier(database.template.name)
    return SQL(
        "CREATE DATABASE {name} OWNER {owner} TEMPLATE {origin}"
        " STRATEGY {strategy} ALLOW_CONNECTIONS false"
    ).format(
        name=Identifier(database.name),
        owner=Identifier(database.owner_role),
        origin=origin,
        strategy=Identifier(strategy),
    )


def limit_connections(name: DatabaseName, *, connections: int) -> Composed:
    return SQL("ALTER DATABASE {} CONNECTION LIMIT {}").format(
        Identifier(name), Literal(connections)
    )


def revoke_from_public(database: TenantDatabase) -> Composed:
    """Take the database from everybody, let its login in, and who owns what is inside make it.

    The data role never gets CONNECT: it would let the logins of all databases of its app in.
    """
    names = {
        "name": Identifier(database.name),
        "login": Identifier(database.login_role),
        "owner": Identifier(database.inner_owner),
    }
    return together(
        [
            SQL("REVOKE ALL ON DATABASE {name} FROM PUBLIC, {login}").format(**names),
            SQL("GRANT CONNECT ON DATABASE {name} TO {login}").format(**names),
            SQL("GRANT CREATE, TEMPORARY ON DATABASE {name} TO {owner}").format(**names),
        ]
    )


def allow_connections(name: DatabaseName) -> Composed:
    return SQL("ALTER DATABASE {} ALLOW_CONNECTIONS true").format(Identifier(name))


def shut(database: TenantDatabase) -> list[Composed]:
    """Let nobody in any more, and keep logins of others that have the data role from its row."""
    name = Identifier(database.name)
    change = [SQL("ALTER DATABASE {} ALLOW_CONNECTIONS false").format(name)]
    if database.data_role is not None:
        revoke = SQL("REVOKE ALL ON DATABASE {} FROM {}")
        text = revoke.format(name, Identifier(database.data_role)).as_string()
        # An administrator dropped the role: that keeps no database open.
        missing = "EXCEPTION WHEN undefined_object THEN NULL;"
        change.append(SQL("DO {}").format(Literal(f"BEGIN {text}; {missing} END")))
    return change


def mark(database: TenantDatabase) -> Composed:
    return SQL("COMMENT ON DATABASE {name} IS {marker}").format(
        name=Identifier(database.name), marker=Literal(database.marker)
    )


def rename_database(name: DatabaseName, *, new_name: DatabaseName) -> Composed:
    return SQL("ALTER DATABASE {} RENAME TO {}").format(Identifier(name), Identifier(new_name))


def drop_database(name: DatabaseName) -> Composed:
    """Neither conditional nor part of a transaction: for a name that nothing is restored from."""
    return SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(Identifier(name))


# --- inside a database ---------------------------------------------------------------------------


def give_schema(schema: str, *, to: RoleName) -> Composed:
    return SQL("ALTER SCHEMA {} OWNER TO {}").format(Identifier(schema), Identifier(to))


def give_public(*, to: RoleName) -> Composed:
    """Take the schema public from everybody, then give it away.

    In this order: once the schema belongs to another, the REVOKE silently does nothing.
    """
    revoke = Composed([SQL("REVOKE ALL ON SCHEMA public FROM PUBLIC")])
    return together([revoke, give_schema("public", to=to)])


def create_schema(name: str) -> Composed:
    return SQL("CREATE SCHEMA IF NOT EXISTS {}").format(Identifier(name))


def set_locally(name: str, value: str) -> Composed:
    """For the rest of the transaction."""
    return SQL("SET LOCAL {} = {}").format(Identifier(name), Literal(value))


def set_for_session(name: str, value: str) -> Composed:
    return SQL("SET {} = {}").format(Identifier(name), Literal(value))


def set_role(role: RoleName) -> Composed:
    return SQL("SET ROLE {}").format(Identifier(role))


def give_all(role: RoleName, *, to: RoleName) -> Composed:
    """Give what a role owns in this database to another."""
    return SQL("REASSIGN OWNED BY {} TO {}").format(Identifier(role), Identifier(to))


def hand_over(role: RoleName, *, to: RoleName) -> Composed:
    """The same, and remove its other traces here."""
    return together([give_all(role, to=to), SQL("DROP OWNED BY {}").format(Identifier(role))])

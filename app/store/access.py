"""Who may connect to the state database: nobody but its own user, where that is ours to say."""

from dataclasses import dataclass

import psycopg
from psycopg import Connection, sql
from psycopg.rows import DictRow, class_row, dict_row
from psycopg_pool import ConnectionPool

from app.store.connection import state_conninfo
from app.store.schema import hold

# What every database has, and what is ours; anything else is used by somebody else.
_FACTS = """
SELECT datname::text AS database, current_user::text AS role,
       has_database_privilege('public', oid, 'CONNECT') AS is_open,
       datdba = (SELECT oid FROM pg_roles WHERE rolname = current_user) AS is_owned,
       datistemplate OR datname IN ('postgres', 'template1') AS is_common,
       EXISTS (SELECT FROM pg_namespace WHERE nspname NOT LIKE 'pg\\_%'
               AND nspname NOT IN ('coppice', 'public', 'information_schema'))
         OR EXISTS (SELECT FROM pg_class WHERE relnamespace = to_regnamespace('public'))
         OR EXISTS (SELECT FROM pg_proc WHERE pronamespace = to_regnamespace('public'))
         OR EXISTS (SELECT FROM pg_type WHERE typnamespace = to_regnamespace('public'))
         OR EXISTS (SELECT FROM pg_extension WHERE extname <> 'plpgsql') AS is_shared,
       EXISTS (SELECT FROM pg_roles WHERE rolcanlogin AND NOT rolsuper
               AND rolname <> current_user) AS has_strangers
FROM pg_database WHERE datname = current_database()
"""
_MAY_READ_IDENTIFIER = "SELECT has_function_privilege('pg_control_system()', 'EXECUTE') AS may"
_IDENTIFIER = "SELECT system_identifier::text AS identifier FROM pg_control_system()"


@dataclass(frozen=True, slots=True, kw_only=True)
class StateAccess:
    """Who may connect to the state database."""

    database: str
    is_open: bool
    """Every login of its server may connect, and there are others than the service's."""
    closing: str
    """The SQL with which its owner keeps them out."""
    system_identifier: str | None
    """Which cluster its server is; None: the service may not know."""


@dataclass(frozen=True, slots=True, kw_only=True)
class _Facts:
    database: str
    role: str
    is_open: bool
    is_owned: bool
    is_common: bool
    is_shared: bool
    has_strangers: bool
    """Other logins of the server that are no superusers."""


class StateDatabase:
    """The state database itself, as far as people have to look after it."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def access(self) -> StateAccess:
        """Look who may connect; changes nothing."""
        with self._pool.connection() as connection:
            facts = _facts(connection)
            row = connection.execute(_MAY_READ_IDENTIFIER).fetchone()
            if row and row["may"]:
                row = connection.execute(_IDENTIFIER).fetchone()
        return StateAccess(
            database=facts.database,
            is_open=facts.is_open and facts.has_strangers,
            closing=sql.SQL("; ").join(_closing(facts)).as_string() + ";",
            system_identifier=row.get("identifier") if row else None,
        )


def close_to_strangers(dsn: str, *, is_embedded: bool) -> str | None:
    """Take the state database from PUBLIC, if it is ours alone.

    Returns:
        Its name, if this was done now and read back; None where it was closed before, or is not
        ours to close. An embedded one is ours whatever its name.

    Raises psycopg.Error: It could not be done; nothing was changed.
    """
    with psycopg.connect(state_conninfo(dsn), row_factory=dict_row) as connection:
        facts = _facts(connection)
        is_ours = facts.is_owned and not facts.is_shared and not facts.is_common
        if not facts.is_open or not (is_ours or is_embedded):
            return None
        hold(connection)  # two at once would fail: the row of the database is updated
        if not _facts(connection).is_open:
            return None
        for statement in _closing(facts):
            connection.execute(statement)
        # A REVOKE by somebody who may not is only a warning to PostgreSQL.
        return None if _facts(connection).is_open else facts.database


def _facts(connection: Connection[DictRow]) -> _Facts:
    with connection.cursor(row_factory=class_row(_Facts)) as cursor:
        return next(iter(cursor.execute(_FACTS)))


def _closing(facts: _Facts) -> list[sql.Composed]:
    names = {"database": sql.Identifier(facts.database), "role": sql.Identifier(facts.role)}
    return [
        sql.SQL("GRANT CONNECT ON DATABASE {database} TO {role}").format(**names),
        sql.SQL("REVOKE CONNECT ON DATABASE {database} FROM PUBLIC").format(**names),
    ]

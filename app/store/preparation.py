"""Making the state database ready for this version, and refusing one that is not ours."""

from typing import LiteralString

import psycopg
import structlog
from psycopg import errors, sql
from psycopg.rows import dict_row

from app.store.access import close_to_strangers
from app.store.connection import StateUnavailable, StateUnusable, state_conninfo
from app.store.schema import migrate
from app.store.vault import Vault

_log = structlog.get_logger(__name__)
_TO_PRIMARY = (
    "Have COPPICE_DATABASE_URL name the primary server, not a standby, and a user whose"
    " transactions may write there (default_transaction_read_only)."
)


def prepare(dsn: str, vault: Vault, *, queue_schema: LiteralString) -> list[str]:
    """Apply what is missing of the schema and check the keys; returns the names applied.

    Raises:
        StateUnavailable: The state database does not answer.
        StateUnusable: Its user may not make tables in it, or it is read-only.
        WrongSecretKey: The keys do not decrypt what it holds.
    """
    try:
        applied = migrate(dsn, queue_schema=queue_schema)
        with psycopg.connect(state_conninfo(dsn), row_factory=dict_row) as connection:
            vault.check_canary(connection)
    except (errors.InsufficientPrivilege, errors.ReadOnlySqlTransaction) as error:
        is_read_only = isinstance(error, errors.ReadOnlySqlTransaction)
        raise StateUnusable(
            f"The state database cannot be set up: {error.diag.message_primary}.",
            advice=_TO_PRIMARY if is_read_only else _owning(dsn),
        ) from error
    except psycopg.OperationalError as error:
        raise StateUnavailable("The state database does not answer.") from error
    return applied


def _owning(dsn: str) -> str:
    with psycopg.connect(state_conninfo(dsn)) as connection:
        names = {
            "database": sql.Identifier(connection.info.dbname),
            "role": sql.Identifier(connection.info.user),
        }
    statement = sql.SQL("ALTER DATABASE {database} OWNER TO {role};").format(**names).as_string()
    return (
        "Let the user of COPPICE_DATABASE_URL own that database, as a superuser of its server:"
        f" {statement}"
    )


def close(dsn: str, *, is_embedded: bool) -> None:
    """Keep other logins of its server out of the state database, where that is ours to do.

    Never fatal: `doctor` says what is left open. Nothing is said of a server of our own, which is
    nobody else's.
    """
    try:
        closed = close_to_strangers(dsn, is_embedded=is_embedded)
    except psycopg.Error as error:
        _log.warning(
            "CONNECT on the state database could not be revoked from PUBLIC; look at `doctor`",
            sqlstate=error.sqlstate,
        )
        return
    if closed is not None and not is_embedded:
        _log.warning(
            "CONNECT on the state database was revoked from PUBLIC: only its owner and superusers"
            " connect now. Whoever else needs it is granted CONNECT by name.",
            database=closed,
        )

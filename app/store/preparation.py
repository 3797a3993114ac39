"""Making the state database ready for this version, and refusing one that is not ours."""

from typing import LiteralString

import psycopg
from psycopg import errors
from psycopg.rows import dict_row

from app.store.connection import StateUnavailable, StateUnusable, state_conninfo
from app.store.schema import migrate
from app.store.vault import Vault


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
        raise StateUnusable(
            f"The state database cannot be set up: {error.diag.message_primary}.",
            advice="Let the user of COPPICE_DATABASE_URL own that database, on a primary server:"
            " ALTER DATABASE ... OWNER TO ...;",
        ) from error
    except psycopg.OperationalError as error:
        raise StateUnavailable("The state database does not answer.") from error
    return applied

"""Making the state database ready for this version, and refusing one that is not ours."""

from typing import LiteralString

import psycopg
from psycopg.rows import dict_row

from app.store.connection import StateUnavailable, state_conninfo
from app.store.schema import migrate
from app.store.vault import Vault


def prepare(dsn: str, vault: Vault, *, queue_schema: LiteralString) -> list[str]:
    """Apply what is missing of the schema and check the keys; returns the names applied.

    Raises:
        StateUnavailable: The state database does not answer.
        WrongSecretKey: The keys do not decrypt what it holds.
    """
    try:
        applied = migrate(dsn, queue_schema=queue_schema)
        with psycopg.connect(state_conninfo(dsn), row_factory=dict_row) as connection:
            vault.check_canary(connection)
    except psycopg.OperationalError as error:
        raise StateUnavailable("The state database does not answer.") from error
    return applied

"""The settings of the service that was started last, in the state database, encrypted."""

import json
from collections.abc import Mapping

import psycopg

from app.store.connection import StateUnavailable, state_conninfo
from app.store.vault import Vault


def keep(dsn: str, vault: Vault, settings: Mapping[str, str]) -> None:
    """Have commands find them, in place of the earlier ones. Raises StateUnavailable."""
    text = vault.encrypt(json.dumps(dict(settings)))
    try:
        with psycopg.connect(state_conninfo(dsn)) as connection:
            connection.execute(
                "INSERT INTO kept_settings (settings) VALUES (%s)"
                " ON CONFLICT (is_only) DO UPDATE SET settings = excluded.settings",
                [text],
            )
    except psycopg.OperationalError as error:
        raise StateUnavailable from error


def kept(dsn: str, vault: Vault) -> dict[str, str]:
    """Those that were kept last; nothing where no service was ever started.

    Raises StateUnavailable.
    """
    try:
        with psycopg.connect(state_conninfo(dsn)) as connection:
            row = connection.execute("SELECT settings FROM kept_settings").fetchone()
    except psycopg.OperationalError as error:
        raise StateUnavailable from error
    found: dict[str, str] = json.loads(vault.decrypt(row[0])) if row else {}
    return found

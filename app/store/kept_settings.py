"""The settings of the service that was started last, in the state database, encrypted."""

import json
from collections.abc import Mapping

from app.store.connection import state_connection
from app.store.vault import Vault


def keep(dsn: str, vault: Vault, settings: Mapping[str, str]) -> None:
    """Have commands find them, in place of the earlier ones. Raises StateUnavailable."""
    text = vault.encrypt(json.dumps(dict(settings)))
    with state_connection(dsn) as connection:
        connection.execute(
            "INSERT INTO kept_settings (settings) VALUES (%s)"
            " ON CONFLICT (is_only) DO UPDATE SET settings = excluded.settings",
            [text],
        )


def kept(dsn: str, vault: Vault) -> dict[str, str]:
    """Those that were kept last; nothing where no service was ever started.

    Raises StateUnavailable.
    """
    with state_connection(dsn) as connection:
        row = connection.execute("SELECT settings FROM kept_settings").fetchone()
    found: dict[str, str] = json.loads(vault.decrypt(row["settings"])) if row else {}
    return found

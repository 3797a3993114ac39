"""The state schema: numbered SQL files, applied once each under a lock."""

from importlib import resources
from typing import LiteralString

import psycopg
from psycopg import sql

from app.store.connection import state_conninfo

# Any constant: two processes that start together must not both apply a file.
LOCK_KEY = 0x_C0_9F_1C_E0


def migrate(dsn: str, *, queue_schema: LiteralString) -> list[str]:
    """Bring the state database up to date; returns the names of what was applied.

    `queue_schema` is procrastinate's own SQL, applied first: our jobs and rows share transactions.
    Each file is one transaction. Safe to run from several processes at once.
    """
    applied = []
    with psycopg.connect(state_conninfo(dsn), autocommit=True) as connection:
        connection.execute("SELECT pg_advisory_lock(%s)", [LOCK_KEY])
        connection.execute("CREATE SCHEMA IF NOT EXISTS coppice")
        connection.execute(
            "CREATE TABLE IF NOT EXISTS schema_versions"
            " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())"
        )
        done = {row[0] for row in connection.execute("SELECT name FROM schema_versions")}
        for name, text in [("0000_queue", queue_schema), *_files()]:
            if name in done:
                continue
            with connection.transaction():
                connection.execute(sql.SQL(text))
                connection.execute("INSERT INTO schema_versions (name) VALUES (%s)", [name])
            applied.append(name)
    return applied


def _files() -> list[tuple[str, LiteralString]]:
    folder = resources.files("app.store") / "migrations"
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted((file.name.removesuffix(".sql"), file.read_text()) for file in files)

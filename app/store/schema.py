"""The state schema: numbered SQL files, applied once each under a lock."""

from importlib import resources
from typing import Any, LiteralString

import psycopg
from psycopg import Connection, errors, sql
from psycopg.rows import TupleRow

from app.store.connection import state_conninfo

_VERSIONS = (
    "CREATE SCHEMA IF NOT EXISTS coppice",
    "CREATE TABLE IF NOT EXISTS schema_versions"
    " (name text PRIMARY KEY, applied_at timestamptz NOT NULL DEFAULT now())",
)
# IF NOT EXISTS does not wait for a rival that makes the same in the same moment: it fails.
_RIVALS = (
    errors.UniqueViolation,
    errors.DuplicateSchema,
    errors.DuplicateTable,
    errors.DuplicateObject,  # the type that each table has
)
_TRIES = 5


def migrate(dsn: str, *, queue_schema: LiteralString) -> list[str]:
    """Bring the state database up to date; returns the names of what was applied.

    `queue_schema` is procrastinate's own SQL, applied first: our jobs and rows share transactions.
    Each file is one transaction. Safe to run from several processes at once.
    """
    with psycopg.connect(state_conninfo(dsn), autocommit=True) as connection:
        _make_versions(connection)
        done = {row[0] for row in connection.execute("SELECT name FROM schema_versions")}
        files = [("0000_queue", queue_schema), *_files()]
        missing = [(name, text) for name, text in files if name not in done]
        return [name for name, text in missing if _apply(connection, name, text)]


def _make_versions(connection: Connection[TupleRow]) -> None:
    for attempt in range(1, _TRIES + 1):
        try:
            for statement in _VERSIONS:
                connection.execute(statement)
        except _RIVALS:
            if attempt == _TRIES:
                raise
        else:
            return


def _apply(connection: Connection[TupleRow], name: str, text: LiteralString) -> bool:
    """Apply a file unless another process did so meanwhile; says whether."""
    with connection.transaction():
        hold(connection)
        found = connection.execute("SELECT FROM schema_versions WHERE name = %s", [name])
        if found.rowcount:
            return False
        connection.execute(sql.SQL(text))
        connection.execute("INSERT INTO schema_versions (name) VALUES (%s)", [name])
    return True


def hold(connection: Connection[Any]) -> None:
    """Keep all others from changing the schema until the transaction ends; they may read.

    A lock of a table of ours, which no stranger who may connect can take.
    """
    connection.execute("LOCK TABLE schema_versions IN EXCLUSIVE MODE")


def _files() -> list[tuple[str, LiteralString]]:
    folder = resources.files("app.store") / "schema_changes"
    files = [file for file in folder.iterdir() if file.name.endswith(".sql")]
    return sorted((file.name.removesuffix(".sql"), file.read_text()) for file in files)

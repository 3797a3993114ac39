"""Queueing jobs on their own, where no row is written with them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.intents import Intent


class PostgresQueue:
    """The `Queue` port on the state database."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[DictRow]],
        *,
        defer: Callable[[Connection[Any], Sequence[Intent]], None],
    ) -> None:
        self._pool = pool
        self._defer = defer

    def add(self, intents: Sequence[Intent]) -> None:
        with self._pool.connection() as connection:
            self._defer(connection, intents)

    def waiting(self) -> Mapping[str, int]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT queue_name, count(*) AS jobs FROM procrastinate_jobs"
                " WHERE status IN ('todo', 'doing') GROUP BY queue_name"
            )
            return {row["queue_name"]: row["jobs"] for row in rows}

"""What the parts of the store share: statements, rows as values, and jobs beside them."""

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, LiteralString, TypeVar

from psycopg import sql
from psycopg.abc import Params
from psycopg.rows import DictRow
from pydantic import TypeAdapter

from app.core.intents import Intent
from app.store.connection import StatePool
from app.store.jobs import defer
from app.store.vault import Vault

Value = TypeVar("Value")
Statement = LiteralString | sql.SQL | sql.Composed


class Table:
    """A table or two. Each of these methods is one transaction."""

    def __init__(self, pool: StatePool) -> None:
        self._pool = pool

    def _rows(self, query: Statement, values: Params | None = None) -> list[DictRow]:
        with self._pool.autocommit() as connection:
            return connection.execute(query, values).fetchall()

    def _row(self, query: Statement, values: Params | None = None) -> DictRow | None:
        """The first row, if there is one."""
        return next(iter(self._rows(query, values)), None)

    def _all(
        self, kind: type[Value], query: Statement, values: Params | None = None
    ) -> list[Value]:
        return [read(kind, row) for row in self._rows(query, values)]

    def _one(
        self, kind: type[Value], query: Statement, values: Params | None = None
    ) -> Value | None:
        return next(iter(self._all(kind, query, values)), None)

    def _change(
        self, query: Statement, values: Params | None = None, *, then: Sequence[Intent] = ()
    ) -> bool:
        """Change rows, and queue `then` if there were any; says whether there were."""
        if not then:
            with self._pool.autocommit() as connection:
                return connection.execute(query, values).rowcount > 0
        with self._pool.connection() as connection:
            is_changed = connection.execute(query, values).rowcount > 0
            if is_changed:
                defer(connection, then)
        return is_changed


class TableWithSecrets(Table):
    """A table of which some columns are encrypted."""

    def __init__(self, pool: StatePool, vault: Vault) -> None:
        super().__init__(pool)
        self._vault = vault


def read(kind: type[Value], row: Mapping[str, Any]) -> Value:
    """A row as the dataclass whose fields are its columns; it may have others beside them."""
    hashable: Any = kind  # mypy takes no type variable for it
    value: Value = _reader(hashable).validate_python(row)
    return value


@cache
def _reader(kind: type[Any]) -> TypeAdapter[Any]:
    # Not when imported: that takes milliseconds, and commands do without.
    return TypeAdapter(kind)


def insert(table: str, values: Mapping[str, object], ending: LiteralString = "") -> sql.Composed:
    """An INSERT whose columns are the keys of `values`, which are its parameters as well."""
    return sql.SQL("INSERT INTO {} ({}) VALUES ({}) {}").format(
        sql.Identifier(table),
        sql.SQL(", ").join(map(sql.Identifier, values)),
        sql.SQL(", ").join(map(sql.Placeholder, values)),
        sql.SQL(ending),
    )


def update(table: str, values: Mapping[str, object], ending: LiteralString) -> sql.Composed:
    """An UPDATE of the columns that are the keys of `values`; `ending` says of which rows."""
    columns = [
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in values
    ]
    return sql.SQL("UPDATE {} SET {} {}").format(
        sql.Identifier(table), sql.SQL(", ").join(columns), sql.SQL(ending)
    )

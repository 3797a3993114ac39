"""Reading databases from the state database."""

from collections.abc import Sequence
from dataclasses import fields

from psycopg import Connection
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.databases import Closing, Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import NotFound
from app.core.identifiers import AppId, BranchName, DatabaseId, InstanceId


class DatabaseRows:
    """What the `Databases` port reads; see there."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]]) -> None:
        self._pool = pool

    def get(self, database_id: DatabaseId) -> Database:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT * FROM databases WHERE id = %s", [database_id]
            ).fetchone()
        return existing(row, database_id)

    def live(
        self, app_id: AppId, environment: Environment, branch: BranchName | None = None
    ) -> Database | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT * FROM databases WHERE is_live AND state <> 'gone'"
                " AND app_id = %s AND environment = %s AND branch IS NOT DISTINCT FROM %s",
                [app_id, environment, branch],
            ).fetchone()
        return database_from(row) if row else None

    def all(
        self,
        *,
        app_id: AppId | None = None,
        instance_id: InstanceId | None = None,
        include_gone: bool = False,
    ) -> Sequence[Database]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM databases"
                " WHERE (%(app)s::text IS NULL OR app_id = %(app)s)"
                " AND (%(instance)s::bigint IS NULL OR instance_id = %(instance)s)"
                " AND (%(gone)s OR state <> 'gone') ORDER BY app_id, id",
                {"app": app_id, "instance": instance_id, "gone": include_gone},
            ).fetchall()
        return [database_from(row) for row in rows]


def database_from(row: DictRow) -> Database:
    """A row of `databases`."""
    return Database(
        **{
            **{field.name: row[field.name] for field in fields(Database)},
            "environment": Environment(row["environment"]),
            "state": DatabaseState(row["state"]),
            "closed_because": Closing(why) if (why := row["closed_because"]) else None,
        }
    )


def existing(row: DictRow | None, database_id: DatabaseId) -> Database:
    """What a row of `databases` says. Raises NotFound when there is none."""
    if row is None:
        raise NotFound(f"There is no database with id {database_id}.")
    return database_from(row)

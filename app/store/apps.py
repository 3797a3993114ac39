"""Apps and their assignments in the state database."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict
from typing import Any, LiteralString

from psycopg import Connection, errors
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb
from psycopg_pool import ConnectionPool

from app.core.assignments import App, Assignment, Policies
from app.core.databases import DatabaseState
from app.core.errors import Conflict, NotFound
from app.core.identifiers import AppId, InstanceId, RepositoryId
from app.core.intents import Intent
from app.core.rules import changed


class Apps:
    """Apps and their assignments."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[DictRow]],
        *,
        defer: Callable[[Connection[Any], Sequence[Intent]], None],
    ) -> None:
        self._pool = pool
        self._defer = defer

    def get(self, app_id: AppId) -> App | None:
        with self._pool.connection() as connection:
            row = connection.execute("SELECT * FROM apps WHERE id = %s", [app_id]).fetchone()
        return _app(row) if row else None

    def known(self, app_ids: Collection[AppId]) -> Mapping[AppId, App]:
        """Those that there are, read together."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM apps WHERE id = ANY(%s)", [list(app_ids)]
            ).fetchall()
        return {found.id: found for found in map(_app, rows)}

    def database_states(
        self, app_ids: Collection[AppId], *, only_live: bool = False
    ) -> Mapping[AppId, Mapping[DatabaseState, int]]:
        """How many databases of each app are in each state; none is `gone`."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT app_id, state, count(*) AS number FROM databases"
                " WHERE app_id = ANY(%s) AND state <> 'gone' AND (is_live OR NOT %s)"
                " GROUP BY app_id, state",
                [list(app_ids), only_live],
            ).fetchall()
        found: dict[AppId, dict[DatabaseState, int]] = {}
        for row in rows:
            found.setdefault(row["app_id"], {})[DatabaseState(row["state"])] = row["number"]
        return found

    def of_repository(self, repository_id: RepositoryId) -> Sequence[App]:
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM apps WHERE repository_id = %s ORDER BY created_at, id",
                [repository_id],
            ).fetchall()
        return [_app(row) for row in rows]

    def add(self, app: App) -> None:
        """Raise Conflict when the id is taken."""
        try:
            with self._pool.connection() as connection:
                connection.execute(
                    "INSERT INTO apps (id, repository_id, has_bare_checks) VALUES (%s, %s, %s)",
                    [app.id, app.repository_id, app.has_bare_checks],
                )
        except errors.UniqueViolation as error:
            raise Conflict(
                f"The app id {app.id} cannot be used: it is taken, or another app of this"
                " repository was added at this moment.",
                advice="Choose another app id, or repeat the command.",
            ) from error

    def assignment(self, app_id: AppId) -> Assignment | None:
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT * FROM assignments s JOIN apps a ON a.id = s.app_id WHERE a.id = %s",
                [app_id],
            ).fetchone()
        return _assignment(row) if row else None

    def assignments(
        self,
        *,
        repository_id: RepositoryId | None = None,
        instance_id: InstanceId | None = None,
    ) -> Sequence[Assignment]:
        """All, or those of a repository, or those of an instance; oldest app first."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM assignments s JOIN apps a ON a.id = s.app_id"
                " WHERE (%(repository)s::bigint IS NULL OR a.repository_id = %(repository)s)"
                " AND (%(instance)s::bigint IS NULL OR s.instance_id = %(instance)s)"
                " ORDER BY a.created_at, a.id",
                {"repository": repository_id, "instance": instance_id},
            ).fetchall()
        return [_assignment(row) for row in rows]

    def assign(self, assignment: Assignment, *, then: Sequence[Intent] = ()) -> bool:
        """Create the app's assignment; False, and nothing is done, if it has one.

        Raises NotFound when the instance is not there any more.
        """
        with self._pool.connection() as connection:
            # Waits for a deletion that begins at this moment.
            is_there = connection.execute(
                "SELECT FROM instances WHERE id = %s AND NOT is_going FOR SHARE",
                [assignment.instance_id],
            ).rowcount
            if not is_there:
                raise NotFound("The instance was deleted at the same moment.")
            return self._write(
                connection,
                "INSERT INTO assignments (app_id, instance_id, migration_command, policies)"
                " VALUES (%(app)s, %(instance)s, %(command)s, %(policies)s)"
                " ON CONFLICT (app_id) DO NOTHING",
                assignment,
                then=then,
            )

    def edit(self, assignment: Assignment, *, then: Sequence[Intent] = ()) -> bool:
        """Change command and policies; False, and nothing is done, if it was removed."""
        with self._pool.connection() as connection:
            return self._write(
                connection,
                "UPDATE assignments SET migration_command = %(command)s, policies = %(policies)s"
                " WHERE app_id = %(app)s",
                assignment,
                then=then,
            )

    def _write(
        self,
        connection: Connection[DictRow],
        statement: LiteralString,
        assignment: Assignment,
        *,
        then: Sequence[Intent],
    ) -> bool:
        values = {
            "app": assignment.app.id,
            "instance": assignment.instance_id,
            "command": assignment.migration_command,
            "policies": Jsonb(asdict(assignment.policies)),
        }
        is_written = connection.execute(statement, values).rowcount > 0
        if is_written:
            self._defer(connection, then)
        return is_written

    def remove(self, app_id: AppId) -> None:
        """End the assignment; the app and its databases stay.

        What branches it finds when it is assigned again is as for a new app.
        """
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM assignments WHERE app_id = %s", [app_id])
            connection.execute("UPDATE apps SET branches_seen_at = NULL WHERE id = %s", [app_id])


def _app(row: DictRow) -> App:
    return App(
        id=AppId(row["id"]),
        repository_id=RepositoryId(row["repository_id"]),
        has_bare_checks=row["has_bare_checks"],
    )


def _assignment(row: DictRow) -> Assignment:
    return Assignment(
        app=_app(row),
        instance_id=InstanceId(row["instance_id"]),
        migration_command=row["migration_command"],
        policies=changed(Policies(), row["policies"]),
    )

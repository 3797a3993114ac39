"""Apps and their assignments in the state database."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import LiteralString

from psycopg import errors
from psycopg.rows import DictRow
from psycopg.types.json import Jsonb

from app.core.assignments import App, Assignment, Policies
from app.core.databases import DatabaseState
from app.core.errors import Conflict, NotFound
from app.core.identifiers import AppId, BranchName, InstanceId, RepositoryId
from app.core.intents import Intent
from app.core.rules import changed
from app.store.jobs import defer
from app.store.tables import Table, insert, read

_ASSIGNMENTS: LiteralString = "SELECT * FROM assignments s JOIN apps a ON a.id = s.app_id "


class Apps(Table):
    """Apps and their assignments."""

    def get(self, app_id: AppId) -> App | None:
        return self._one(App, "SELECT * FROM apps WHERE id = %s", [app_id])

    def known(self, app_ids: Collection[AppId]) -> Mapping[AppId, App]:
        """Those that there are, read together."""
        found = self._all(App, "SELECT * FROM apps WHERE id = ANY(%s)", [list(app_ids)])
        return {app.id: app for app in found}

    def database_states(
        self, app_ids: Collection[AppId], *, only_live: bool = False
    ) -> Mapping[AppId, Mapping[DatabaseState, int]]:
        """How many databases of each app are in each state; none is `gone`."""
        rows = self._rows(
            "SELECT app_id, state, count(*) AS number FROM databases"
            " WHERE app_id = ANY(%s) AND state <> 'gone' AND (is_live OR NOT %s)"
            " AND (is_live OR environment <> 'template') GROUP BY app_id, state",
            [list(app_ids), only_live],
        )
        found: dict[AppId, dict[DatabaseState, int]] = {}
        for row in rows:
            found.setdefault(row["app_id"], {})[DatabaseState(row["state"])] = row["number"]
        return found

    def of_repository(self, repository_id: RepositoryId) -> Sequence[App]:
        return self._all(
            App,
            "SELECT * FROM apps WHERE repository_id = %s ORDER BY created_at, id",
            [repository_id],
        )

    def add(self, app: App) -> None:
        """Raise Conflict when the id is taken."""
        values = asdict(app)
        try:
            self._change(insert("apps", values), values)
        except errors.UniqueViolation as error:
            raise Conflict(
                f"The app id {app.id} cannot be used: it is taken, or another app of this"
                " repository was added at this moment.",
                advice="Choose another app id, or repeat the command.",
            ) from error

    def assignment(self, app_id: AppId) -> Assignment | None:
        row = self._row(_ASSIGNMENTS + "WHERE a.id = %s", [app_id])
        return _assignment(row) if row else None

    def assignments(
        self,
        *,
        repository_id: RepositoryId | None = None,
        instance_id: InstanceId | None = None,
    ) -> Sequence[Assignment]:
        """All, or those of a repository, or those of an instance; oldest app first."""
        rows = self._rows(
            _ASSIGNMENTS
            + "WHERE (%(repository)s::bigint IS NULL OR a.repository_id = %(repository)s)"
            " AND (%(instance)s::bigint IS NULL OR s.instance_id = %(instance)s)"
            " ORDER BY a.created_at, a.id",
            {"repository": repository_id, "instance": instance_id},
        )
        return [_assignment(row) for row in rows]

    def assign(self, assignment: Assignment, *, then: Sequence[Intent] = ()) -> bool:
        """Create the app's assignment; False, and nothing is done, if it has one.

        Raises NotFound when the instance is not there any more.
        """
        values = _values(assignment)
        with self._pool.connection() as connection:
            # Waits for a deletion that begins at this moment.
            is_there = connection.execute(
                "SELECT FROM instances WHERE id = %s AND NOT is_going FOR SHARE",
                [assignment.instance_id],
            ).rowcount
            if not is_there:
                raise NotFound("The instance was deleted at the same moment.")
            is_new = connection.execute(
                insert("assignments", values, "ON CONFLICT (app_id) DO NOTHING"), values
            ).rowcount
            if is_new:
                defer(connection, then)
        return bool(is_new)

    def edit(self, assignment: Assignment, *, then: Sequence[Intent] = ()) -> bool:
        """Change command and policies; False, and nothing is done, if it was removed."""
        return self._change(
            "UPDATE assignments SET (migration_command, policies)"
            " = (%(migration_command)s, %(policies)s) WHERE app_id = %(app_id)s",
            _values(assignment),
            then=then,
        )

    def remove(self, app_id: AppId) -> None:
        """End the assignment; the app and its databases stay.

        What branches it finds when it is assigned again is as for a new app.
        """
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM assignments WHERE app_id = %s", [app_id])
            connection.execute("UPDATE apps SET branches_seen_at = NULL WHERE id = %s", [app_id])


def _values(assignment: Assignment) -> dict[str, object]:
    return {
        "app_id": assignment.app.id,
        "instance_id": assignment.instance_id,
        "migration_command": assignment.migration_command,
        "policies": Jsonb(asdict(assignment.policies)),
    }


def _assignment(row: DictRow) -> Assignment:
    return Assignment(
        app=read(App, row),
        instance_id=InstanceId(row["instance_id"]),
        migration_command=row["migration_command"],
        policies=changed(Policies(), row["policies"]),
    )


class DormantBranches(Table):
    """Branches without a database that a reconcile leaves alone."""

    def of_app(self, app_id: AppId) -> frozenset[BranchName]:
        rows = self._rows("SELECT branch FROM dormant_branches WHERE app_id = %s", [app_id])
        return frozenset(row["branch"] for row in rows)

    def begin(self, app_id: AppId, branches: Iterable[BranchName]) -> None:
        """These were there before the app was; does nothing once that is recorded."""
        self._change(
            "WITH begun AS (UPDATE apps SET branches_seen_at = now()"
            " WHERE id = %(app)s AND branches_seen_at IS NULL RETURNING id)"
            " INSERT INTO dormant_branches SELECT id, unnest(%(branches)s::text[]) FROM begun"
            " ON CONFLICT DO NOTHING",
            {"app": app_id, "branches": list(branches)},
        )

    def keep_only(self, app_id: AppId, branches: Iterable[BranchName]) -> None:
        """Forget those that are gone or have a database now."""
        self._change(
            "DELETE FROM dormant_branches WHERE app_id = %s AND branch <> ALL(%s::text[])",
            [app_id, list(branches)],
        )

"""Databases in the state database."""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields, replace
from datetime import datetime
from typing import LiteralString

from psycopg import Connection, errors
from psycopg.rows import DictRow

from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.errors import Conflict, LockLost, NotFound
from app.core.identifiers import (
    AppId,
    BranchName,
    DatabaseId,
    DatabaseName,
    InstanceId,
    RoleName,
)
from app.core.intents import Intent
from app.store.jobs import defer
from app.store.locks import exclusively
from app.store.tables import TableWithSecrets, insert, read, update

LifecycleEvent = Callable[[Database], Database | None]
"""One of `core.lifecycle`, with its arguments."""

_SEALED: LiteralString = """
    SELECT * FROM databases WHERE environment = 'template' AND state = 'deleted'
        AND closed_because = 'sealed' AND drop_after IS NULL
"""
# Milliseconds, so that it is past every fence that was given out before an older backup of the
# state database was put back.
_TAKE_LOCK: LiteralString = """
    UPDATE databases
    SET fence = greatest(fence + 1, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
    WHERE id = %s RETURNING *
"""


class Databases(TableWithSecrets):
    """Rows of databases. Each method is one transaction, in which it queues the jobs of `then`."""

    def get(self, database_id: DatabaseId) -> Database:
        """Raise NotFound when there is none."""
        return _existing(
            self._row("SELECT * FROM databases WHERE id = %s", [database_id]), database_id
        )

    def live(
        self, app_id: AppId, environment: Environment, branch: BranchName | None = None
    ) -> Database | None:
        """The database that takes this place now, in any state but `gone`."""
        return self._one(
            Database,
            "SELECT * FROM databases WHERE is_live AND state <> 'gone'"
            " AND app_id = %s AND environment = %s AND branch IS NOT DISTINCT FROM %s",
            [app_id, environment, branch],
        )

    def all(
        self,
        *,
        app_id: AppId | None = None,
        instance_id: InstanceId | None = None,
        include_gone: bool = False,
    ) -> Sequence[Database]:
        """All, or those of an app, or those on an instance; the oldest of each app first."""
        return self._all(
            Database,
            "SELECT * FROM databases"
            " WHERE (%(app)s::text IS NULL OR app_id = %(app)s)"
            " AND (%(instance)s::bigint IS NULL OR instance_id = %(instance)s)"
            " AND (%(gone)s OR state <> 'gone') ORDER BY app_id, id",
            {"app": app_id, "instance": instance_id, "gone": include_gone},
        )

    def current_template(self, app_id: AppId, instance_id: InstanceId) -> Database | None:
        """What an app's new databases on an instance may be cloned from: the last one sealed."""
        return self._one(
            Database,
            _SEALED + " AND app_id = %s AND instance_id = %s ORDER BY id DESC LIMIT 1",
            [app_id, instance_id],
        )

    def sealed_templates(self) -> Sequence[Database]:
        """All that have no end yet."""
        return self._all(Database, _SEALED)

    def left_templates(self, *, before: datetime) -> Sequence[Database]:
        """Those that no run holds, and that a run has migrated, or that were begun earlier."""
        return self._all(
            Database,
            "SELECT * FROM databases d WHERE environment = 'template' AND is_live"
            " AND NOT EXISTS (SELECT FROM leases WHERE database_id = d.id)"
            " AND (created_at < %s OR EXISTS (SELECT FROM migrations m"
            "   WHERE m.database_id = d.id AND m.generation = d.generation))",
            [before],
        )

    def names(self, ids: Collection[DatabaseId]) -> Mapping[DatabaseId, DatabaseName]:
        """What they are called, also those that are gone."""
        found = self._rows("SELECT id, name FROM databases WHERE id = ANY(%s)", [list(ids)])
        return {DatabaseId(row["id"]): DatabaseName(row["name"]) for row in found}

    def last_template_number(self, app_id: AppId) -> int:
        """The number of an app's last one, whatever became of it; 0: it has had none."""
        row = self._row(
            "SELECT max(substring(name FROM '[0-9]+$')::int) AS number"
            " FROM databases WHERE environment = 'template' AND app_id = %s",
            [app_id],
        )
        return (row and row["number"]) or 0

    def intend(self, new: Database) -> Database:
        """Record a database; returns the present one if its place is taken.

        With a data role it gets that of its app on its instance, if there is one already.

        Raises Conflict when another database of the instance has the name.
        """
        present = self.live(new.app_id, new.environment, new.branch)
        if present is not None:
            return present
        try:
            with self._pool.connection() as connection:
                if new.data_role is not None:
                    new = replace(new, data_role=_data_role(connection, new, new.data_role))
                values = asdict(new)
                del values["id"]
                row = connection.execute(insert("databases", values, "RETURNING *"), values)
                return read(Database, next(iter(row)))
        except errors.UniqueViolation as error:
            # A rival took the place in between, or another branch has the name: tell them apart.
            rival = self.live(new.app_id, new.environment, new.branch)
            if rival is None:
                raise Conflict(
                    f"The name {new.name} belongs to another database of this instance.",
                    advice="Delete or rename that database; names are never shared.",
                ) from error
            return rival

    def share(self, database: Database, new: RoleName) -> Database:
        """Have what is inside belong to the data role of its app on its instance, or to a new one.

        For the holder of the database's lock, who has emptied it. Raises LockLost.
        """
        with self._pool.connection() as connection:
            role = _data_role(connection, database, new)
            found = connection.execute(
                "UPDATE databases SET data_role = %s WHERE id = %s AND fence = %s RETURNING *",
                [role, database.id, database.fence],
            ).fetchone()
            if found is None:
                raise LockLost(f"Another worker took over {database.name}.")
            return read(Database, found)

    def apply(
        self, database: Database, event: LifecycleEvent, *, then: Sequence[Intent] = ()
    ) -> Database | None:
        """Apply an event for the holder of the database's lock, who read it under that.

        Returns the row as it is now; None, and nothing is done, if the event does not apply to it
        as it stands by now. Raises LockLost, and nothing is done, if another has taken the lock
        since: its fence tells.
        """
        with self._pool.connection() as connection:
            row = _locked_row(connection, database.id)
            if row is None or row["fence"] != database.fence:
                raise LockLost(f"Another worker took over {database.name}.")
            return _applied(connection, read(Database, row), event, then)

    def apply_to(
        self,
        database_id: DatabaseId,
        event: LifecycleEvent,
        *,
        unless_leased: bool = False,
        then: Sequence[Intent] = (),
    ) -> Database | None:
        """Apply an event for those who cannot wait for the database's lock.

        Returns the row as it is now; None, and nothing is done, if there is none, or the event does
        not apply to it as it stands by now, or `unless_leased` and a migration holds it. No lease
        is taken in the same instant.
        """
        with self._pool.connection() as connection:
            row = _locked_row(connection, database_id)
            if row is None or (unless_leased and _is_leased(connection, database_id)):
                return None
            return _applied(connection, read(Database, row), event, then)

    def password(self, database_id: DatabaseId) -> str | None:
        """The long-lived login's password, decrypted."""
        return self._decrypted(
            "SELECT password AS secret FROM databases WHERE id = %s", database_id
        )

    def set_password(self, database: Database, password: str) -> None:
        """Store it encrypted; done before PostgreSQL gets the verifier. Raises LockLost."""
        is_ours = self._change(
            "UPDATE databases SET password = %s WHERE id = %s AND fence = %s",
            [self._vault.encrypt(password), database.id, database.fence],
        )
        if not is_ours:
            raise LockLost(f"Another worker took over {database.name}.")

    def accelerate_url(self, database_id: DatabaseId) -> str | None:
        """The Prisma Accelerate URL that somebody stored for it, decrypted."""
        return self._decrypted(
            "SELECT accelerate_url AS secret FROM databases WHERE id = %s", database_id
        )

    def set_accelerate_url(self, database_id: DatabaseId, url: str | None) -> None:
        """Store it encrypted; None forgets it."""
        self._change(
            "UPDATE databases SET accelerate_url = %s WHERE id = %s",
            [self._vault.encrypt(url) if url else None, database_id],
        )

    @contextmanager
    def exclusively(self, database_id: DatabaseId) -> Iterator[Database]:
        """Hold the database's lock, and read it: a second worker waits, also one thought dead.

        Ends with the session, which its holder may not notice. So each taking has a `fence` of its
        own: what an earlier holder still wants to do is refused, here and by the database's server.
        Raises NotFound when there is none, TransientError after 20 seconds of waiting.
        """
        with exclusively(self._pool, "database", database_id):
            yield _existing(self._row(_TAKE_LOCK, [database_id]), database_id)

    def still_held(self, database: Database) -> Database:
        """Read it again under its lock. Raises LockLost."""
        found = self.get(database.id)
        if found.fence != database.fence:
            raise LockLost(f"Another worker took over {database.name}.")
        return found

    def _decrypted(self, query: LiteralString, database_id: DatabaseId) -> str | None:
        row = self._row(query, [database_id])
        return self._vault.decrypt(row["secret"]) if row and row["secret"] else None


def _data_role(connection: Connection[DictRow], database: Database, new: RoleName) -> RoleName:
    """The data role of a database's app on its instance, which two who look at once share."""
    connection.execute("SELECT FROM apps WHERE id = %s FOR NO KEY UPDATE", [database.app_id])
    present = connection.execute(
        "SELECT data_role FROM databases"
        " WHERE app_id = %s AND instance_id = %s AND data_role IS NOT NULL LIMIT 1",
        [database.app_id, database.instance_id],
    ).fetchone()
    return RoleName(present["data_role"]) if present else new


def _existing(row: DictRow | None, database_id: DatabaseId) -> Database:
    if row is None:
        raise NotFound(f"There is no database with id {database_id}.")
    return read(Database, row)


def _locked_row(connection: Connection[DictRow], database_id: DatabaseId) -> DictRow | None:
    """The row, which nobody else changes before the transaction ends; foreign keys may refer to it.

    Whoever takes a lease locks the row until the lease stands: the next statement sees it.
    """
    return connection.execute(
        "SELECT * FROM databases WHERE id = %s FOR NO KEY UPDATE", [database_id]
    ).fetchone()


def _is_leased(connection: Connection[DictRow], database_id: DatabaseId) -> bool:
    found = connection.execute("SELECT FROM leases WHERE database_id = %s", [database_id])
    return found.rowcount > 0


def _applied(
    connection: Connection[DictRow],
    before: Database,
    event: LifecycleEvent,
    then: Sequence[Intent],
) -> Database | None:
    after = event(before)
    if after is not None:
        _save(connection, before, after)
        defer(connection, then)
    return after


def _save(connection: Connection[DictRow], before: Database, after: Database) -> None:
    changed = {
        field.name: value
        for field in fields(Database)
        if (value := getattr(after, field.name)) != getattr(before, field.name)
    }
    if after.state is DatabaseState.GONE:
        changed["password"] = None
    if changed:
        statement = update("databases", changed, "WHERE id = %(id)s")
        connection.execute(statement, {**changed, "id": after.id})

"""Databases in the state database."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict, fields
from typing import Any, LiteralString

from psycopg import Connection, errors, sql
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.databases import Closing, Database, DatabaseState, NewDatabase
from app.core.environments import Environment
from app.core.errors import Conflict, LockLost, NotFound
from app.core.identifiers import AppId, BranchName, DatabaseId, InstanceId
from app.core.intents import Intent
from app.store.locks import exclusively
from app.store.vault import Vault

LifecycleEvent = Callable[[Database], Database | None]
"""One of `core.lifecycle`, with its arguments."""

_INTEND: LiteralString = """
    INSERT INTO databases (app_id, instance_id, environment, branch, name, owner_role, login_role,
        marker, state, created_at)
    VALUES (%(app_id)s, %(instance_id)s, %(environment)s, %(branch)s, %(name)s, %(owner_role)s,
        %(login_role)s, %(marker)s, 'creating', %(created_at)s)
    RETURNING *
"""

# Milliseconds, so that it is past every fence that was given out before an older backup of the
# state database was put back.
_TAKE_LOCK: LiteralString = """
    UPDATE databases
    SET fence = greatest(fence + 1, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint)
    WHERE id = %s RETURNING *
"""


class Databases:
    """Rows of databases. Each method is one transaction, in which it queues the jobs of `then`."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[DictRow]],
        vault: Vault,
        *,
        defer: Callable[[Connection[Any], Sequence[Intent]], None],
    ) -> None:
        self._pool = pool
        self._vault = vault
        self._defer = defer

    def get(self, database_id: DatabaseId) -> Database:
        """Raise NotFound when there is none."""
        with self._pool.connection() as connection:
            row = connection.execute(
                "SELECT * FROM databases WHERE id = %s", [database_id]
            ).fetchone()
        return _existing(row, database_id)

    def live(
        self, app_id: AppId, environment: Environment, branch: BranchName | None = None
    ) -> Database | None:
        """The database that takes this place now, in any state but `gone`."""
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
        """All, or those of an app, or those on an instance; the oldest of each app first."""
        with self._pool.connection() as connection:
            rows = connection.execute(
                "SELECT * FROM databases"
                " WHERE (%(app)s::text IS NULL OR app_id = %(app)s)"
                " AND (%(instance)s::bigint IS NULL OR instance_id = %(instance)s)"
                " AND (%(gone)s OR state <> 'gone') ORDER BY app_id, id",
                {"app": app_id, "instance": instance_id, "gone": include_gone},
            ).fetchall()
        return [database_from(row) for row in rows]

    def intend(self, new: NewDatabase) -> Database:
        """Record a database as `creating`; returns the present one if its place is taken.

        Raises Conflict when another database of the instance has the name.
        """
        present = self.live(new.app_id, new.environment, new.branch)
        if present is not None:
            return present
        try:
            with self._pool.connection() as connection:
                row = connection.execute(_INTEND, asdict(new)).fetchone()
        except errors.UniqueViolation as error:
            # A rival took the place in between, or another branch has the name: tell them apart.
            rival = self.live(new.app_id, new.environment, new.branch)
            if rival is None:
                raise Conflict(
                    f"The name {new.name} belongs to another database of this instance.",
                    advice="Delete or rename that database; names are never shared.",
                ) from error
            return rival
        assert row is not None  # noqa: S101 - INSERT ... RETURNING gives its row
        return database_from(row)

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
            return self._applied(connection, database_from(row), event, then)

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
            return self._applied(connection, database_from(row), event, then)

    def password(self, database_id: DatabaseId) -> str | None:
        """The long-lived login's password, decrypted."""
        return self._decrypted(
            "SELECT password AS secret FROM databases WHERE id = %s", database_id
        )

    def set_password(self, database: Database, password: str) -> None:
        """Store it encrypted; done before PostgreSQL gets the verifier. Raises LockLost."""
        with self._pool.connection() as connection:
            written = connection.execute(
                "UPDATE databases SET password = %s WHERE id = %s AND fence = %s",
                [self._vault.encrypt(password), database.id, database.fence],
            )
        if not written.rowcount:
            raise LockLost(f"Another worker took over {database.name}.")

    def accelerate_url(self, database_id: DatabaseId) -> str | None:
        """The Prisma Accelerate URL that somebody stored for it, decrypted."""
        return self._decrypted(
            "SELECT accelerate_url AS secret FROM databases WHERE id = %s", database_id
        )

    def set_accelerate_url(self, database_id: DatabaseId, url: str | None) -> None:
        """Store it encrypted; None forgets it."""
        with self._pool.connection() as connection:
            connection.execute(
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
            with self._pool.connection() as connection:
                row = connection.execute(_TAKE_LOCK, [database_id]).fetchone()
            yield _existing(row, database_id)

    def still_held(self, database: Database) -> Database:
        """Read it again under its lock. Raises LockLost."""
        found = self.get(database.id)
        if found.fence != database.fence:
            raise LockLost(f"Another worker took over {database.name}.")
        return found

    def _applied(
        self,
        connection: Connection[DictRow],
        before: Database,
        event: LifecycleEvent,
        then: Sequence[Intent],
    ) -> Database | None:
        after = event(before)
        if after is None:
            return None
        _save(connection, before, after)
        self._defer(connection, then)
        return after

    def _decrypted(self, query: LiteralString, database_id: DatabaseId) -> str | None:
        with self._pool.connection() as connection:
            row = connection.execute(query, [database_id]).fetchone()
        return self._vault.decrypt(row["secret"]) if row and row["secret"] else None


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


def _existing(row: DictRow | None, database_id: DatabaseId) -> Database:
    if row is None:
        raise NotFound(f"There is no database with id {database_id}.")
    return database_from(row)


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


def _save(connection: Connection[DictRow], before: Database, after: Database) -> None:
    changed = {
        field.name: value
        for field in fields(Database)
        if (value := getattr(after, field.name)) != getattr(before, field.name)
    }
    if after.state is DatabaseState.GONE:
        changed["password"] = None
    if not changed:
        return
    columns = [
        sql.SQL("{} = {}").format(sql.Identifier(name), sql.Placeholder(name)) for name in changed
    ]
    connection.execute(
        sql.SQL("UPDATE databases SET {} WHERE id = %(id)s").format(sql.SQL(", ").join(columns)),
        {**changed, "id": after.id},
    )

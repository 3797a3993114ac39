"""Databases in the state database."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from typing import Any, LiteralString

from psycopg import Connection, errors
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.databases import FOR_A_PERSON, Closing, Database, DatabaseState
from app.core.errors import Conflict, LockLost
from app.core.identifiers import CommitSha, DatabaseId, DatabaseName
from app.core.intents import Intent
from app.operations.ports.inventory import NewDatabase
from app.store import database_statements as statements
from app.store.database_rows import DatabaseRows, database_from, existing
from app.store.locks import exclusively
from app.store.vault import Vault


class PostgresDatabases(DatabaseRows):
    """The `Databases` port on the state database."""

    def __init__(
        self,
        pool: ConnectionPool[Connection[DictRow]],
        vault: Vault,
        *,
        defer: Callable[[Connection[Any], Sequence[Intent]], None],
    ) -> None:
        super().__init__(pool)
        self._vault = vault
        self._defer = defer

    def intend(self, new: NewDatabase) -> Database:
        present = self.live(new.app_id, new.environment, new.branch)
        if present is not None:
            return present
        try:
            with self._pool.connection() as connection:
                row = connection.execute(statements.INTEND, asdict(new)).fetchone()
        except errors.UniqueViolation as error:
            # A rival took the place in between, or another branch has the name: tell them apart.
            rival = self.live(new.app_id, new.environment, new.branch)
            if rival is None:
                raise Conflict(
                    f"The name {new.name} belongs to another database of this instance.",
                    advice="Delete or rename that database; names are never shared.",
                ) from error
            return rival
        return database_from(_present(row))

    def change(
        self,
        database: Database,
        *,
        state: DatabaseState,
        reason: str | None = None,
        reason_code: str | None = None,
        then: Sequence[Intent] = (),
    ) -> None:
        """See the port."""
        values = {"state": state, "reason": reason, "code": reason_code}
        self._execute_held(statements.CHANGE, database, values, then=then)

    def made(self, database: Database, *, then: Sequence[Intent] = ()) -> bool:
        """See the port."""
        values = {"state": DatabaseState.READY, "reason": None, "code": None, "id": database.id}
        is_made = self._execute(
            statements.CHANGE + statements.HELD + " AND generation = %(generation)s",
            {**values, "fence": database.fence, "generation": database.generation},
            then=then,
        )
        if not is_made:
            self.still_held(database)
        return is_made

    def set_up_again(
        self, database_id: DatabaseId, *, for_person: bool = True, then: Sequence[Intent] = ()
    ) -> bool:
        """See the port."""
        values = {
            "state": DatabaseState.CREATING,
            "reason": None,
            "code": None,
            "id": database_id,
            "for_person": for_person,
            "lost": sorted(FOR_A_PERSON),
        }
        with self._pool.connection() as connection:
            if for_person:
                connection.execute(statements.GIVE_UP_LOST, [database_id])
            changed = connection.execute(statements.CHANGE + statements.MAY_SET_UP, values)
            if changed.rowcount:
                self._defer(connection, then)
        return changed.rowcount > 0

    def delete(
        self,
        database: Database,
        *,
        drop_after: datetime | None,
        because: Closing,
        then: Sequence[Intent] = (),
    ) -> None:
        """See the port."""
        values = {"drop_after": drop_after, "because": because}
        self._execute_held(statements.DELETE, database, values, then=then)

    def mark_unwanted(self, database_id: DatabaseId, *, then: Sequence[Intent] = ()) -> None:
        """See the port."""
        self._execute(statements.MARK_UNWANTED, [database_id], then=then)

    def retire(self, database: Database, *, name: DatabaseName) -> None:
        """See the port."""
        self._execute_held(
            "UPDATE databases SET is_live = false, name = %(name)s WHERE id = %(id)s",
            database,
            {"name": name},
        )

    def start_afresh(
        self,
        database_id: DatabaseId,
        *,
        generation: int,
        is_held: bool = True,
        then: Sequence[Intent] = (),
    ) -> bool:
        """See the port."""
        with self._pool.connection() as connection:
            # Whoever takes a lease locks the row until it stands; the next statement sees it.
            connection.execute("SELECT FROM databases WHERE id = %s FOR UPDATE", [database_id])
            changed = connection.execute(
                statements.START_AFRESH,
                {"id": database_id, "generation": generation, "is_held": is_held},
            )
            if changed.rowcount:
                self._defer(connection, then)
            return changed.rowcount > 0

    def begin_emptying(self, database: Database) -> None:
        """See the port."""
        self._execute_held("UPDATE databases SET is_made = false WHERE id = %(id)s", database, {})

    def emptied(self, database: Database) -> None:
        """See the port."""
        self._execute_held(
            "UPDATE databases SET is_emptying = false WHERE id = %(id)s", database, {}
        )

    def mark_missing(self, database_ids: Sequence[DatabaseId], *, at: datetime) -> None:
        self._execute(
            "UPDATE databases SET missing_since = coalesce(missing_since, %s) WHERE id = ANY(%s)",
            [at, list(database_ids)],
        )

    def clear_missing(self, database_ids: Sequence[DatabaseId]) -> None:
        self._execute(
            "UPDATE databases SET missing_since = NULL WHERE id = ANY(%s)", [list(database_ids)]
        )

    def migrated(self, database_id: DatabaseId, *, head_sha: CommitSha) -> None:
        self._execute(
            "UPDATE databases SET migrated_sha = %s, migrated_at = now() WHERE id = %s",
            [head_sha, database_id],
        )

    def password(self, database_id: DatabaseId) -> str | None:
        return self._decrypted(
            "SELECT password AS secret FROM databases WHERE id = %s", database_id
        )

    def set_password(self, database: Database, password: str) -> None:
        """See the port."""
        self._execute_held(
            "UPDATE databases SET password = %(password)s WHERE id = %(id)s",
            database,
            {"password": self._vault.encrypt(password)},
        )

    def accelerate_url(self, database_id: DatabaseId) -> str | None:
        return self._decrypted(
            "SELECT accelerate_url AS secret FROM databases WHERE id = %s", database_id
        )

    def set_accelerate_url(self, database_id: DatabaseId, url: str | None) -> None:
        self._execute(
            "UPDATE databases SET accelerate_url = %s WHERE id = %s",
            [self._vault.encrypt(url) if url else None, database_id],
        )

    @contextmanager
    def exclusively(self, database_id: DatabaseId) -> Iterator[Database]:
        """See the port."""
        with exclusively(self._pool, "database", database_id):
            with self._pool.connection() as connection:
                row = connection.execute(statements.TAKE_LOCK, [database_id]).fetchone()
            yield existing(row, database_id)

    def still_held(self, database: Database) -> Database:
        """See the port."""
        found = self.get(database.id)
        if found.fence != database.fence:
            raise LockLost(f"Another worker took over {database.name}.")
        return found

    def _decrypted(self, query: LiteralString, database_id: DatabaseId) -> str | None:
        with self._pool.connection() as connection:
            row = connection.execute(query, [database_id]).fetchone()
        return self._vault.decrypt(row["secret"]) if row and row["secret"] else None

    def _execute_held(
        self,
        query: LiteralString,
        database: Database,
        values: Mapping[str, object],
        *,
        then: Sequence[Intent] = (),
    ) -> None:
        """Change the row for the holder of its lock. Raises LockLost."""
        held = {**values, "id": database.id, "fence": database.fence}
        if not self._execute(query + statements.HELD, held, then=then):
            raise LockLost(f"Another worker took over {database.name}.")

    def _execute(
        self,
        query: LiteralString,
        parameters: Sequence[object] | Mapping[str, object],
        *,
        then: Sequence[Intent] = (),
    ) -> bool:
        """Whether a row was changed; then its jobs are queued in the same transaction."""
        with self._pool.connection() as connection:
            is_changed = connection.execute(query, parameters).rowcount > 0
            if is_changed:
                self._defer(connection, then)
        return is_changed


def _present(row: DictRow | None) -> DictRow:
    assert row is not None  # noqa: S101 - INSERT ... RETURNING gives its row
    return row

"""The GitHub App that the set-up page made, in the state database; its secrets encrypted."""

from datetime import datetime

from psycopg import Connection, errors
from psycopg.rows import DictRow
from psycopg_pool import ConnectionPool

from app.core.errors import Conflict
from app.core.github_app import GitHubApp
from app.store.vault import Vault


class StoredGitHubApp:
    """At most one row."""

    def __init__(self, pool: ConnectionPool[Connection[DictRow]], vault: Vault) -> None:
        self._pool = pool
        self._vault = vault

    def version(self) -> datetime | None:
        """Tells one stored App from another without decrypting it; None: there is none."""
        with self._pool.connection() as connection:
            row = connection.execute("SELECT created_at FROM github_app").fetchone()
        return None if row is None else row["created_at"]

    def read(self) -> GitHubApp | None:
        with self._pool.connection() as connection:
            row = connection.execute("SELECT * FROM github_app").fetchone()
        if row is None:
            return None
        return GitHubApp(
            app_id=row["app_id"],
            private_key=self._vault.decrypt(row["private_key"]),
            webhook_secrets=(self._vault.decrypt(row["webhook_secret"]),),
            client_id=row["client_id"],
            client_secret=self._vault.decrypt(row["client_secret"]),
            url=row["url"],
        )

    def store(self, app: GitHubApp) -> None:
        """Raise Conflict when there is one already."""
        [webhook_secret] = app.webhook_secrets
        try:
            with self._pool.connection() as connection:
                connection.execute(
                    "INSERT INTO github_app (app_id, url, client_id, private_key, webhook_secret,"
                    " client_secret) VALUES (%s, %s, %s, %s, %s, %s)",
                    [
                        app.app_id,
                        app.url,
                        app.client_id,
                        self._vault.encrypt(app.private_key),
                        self._vault.encrypt(webhook_secret),
                        self._vault.encrypt(app.client_secret),
                    ],
                )
        except errors.UniqueViolation as error:
            raise Conflict(
                "The service has a GitHub App already.",
                advice=f"Delete the one that was just made, at {app.url}.",
            ) from error

    def forget(self) -> None:
        with self._pool.connection() as connection:
            connection.execute("DELETE FROM github_app")

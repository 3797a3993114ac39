"""The GitHub App that the set-up page made, in the state database; its secrets encrypted."""

from datetime import datetime

from psycopg import errors

from app.core.errors import Conflict
from app.core.github_app import GitHubApp
from app.store.tables import TableWithSecrets, insert


class StoredGitHubApp(TableWithSecrets):
    """At most one row."""

    def version(self) -> datetime | None:
        """Tells one stored App from another without decrypting it; None: there is none."""
        row = self._row("SELECT created_at FROM github_app")
        return row["created_at"] if row else None

    def read(self) -> GitHubApp | None:
        row = self._row("SELECT * FROM github_app")
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
        values = {
            "app_id": app.app_id,
            "url": app.url,
            "client_id": app.client_id,
            "private_key": self._vault.encrypt(app.private_key),
            "webhook_secret": self._vault.encrypt(webhook_secret),
            "client_secret": self._vault.encrypt(app.client_secret),
        }
        try:
            self._change(insert("github_app", values), values)
        except errors.UniqueViolation as error:
            raise Conflict(
                "The service has a GitHub App already.",
                advice=f"Delete the one that was just made, at {app.url}.",
            ) from error

    def forget(self) -> None:
        self._change("DELETE FROM github_app")

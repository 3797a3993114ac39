"""The App on accounts."""

from collections.abc import Iterable

from demo.github import payloads
from demo.github.control.base import Control
from demo.github.model import Account, Installation, Repository


class InstallationControl(Control):
    """Installing, suspending, choosing repositories."""

    def install(
        self,
        account: Account | str,
        *,
        repositories: Iterable[Repository] | None = None,
        permissions: dict[str, str] | None = None,
    ) -> Installation:
        """Install the App on an account, for all of its repositories unless some are chosen."""
        granted = self.context.identity.permissions if permissions is None else permissions
        with self.context.state.lock:
            target = self.organization(account) if isinstance(account, str) else account
            record = Installation(
                id=self.context.state.new_id(),
                account=target,
                created_at=self._now(),
                repository_ids=None if repositories is None else {each.id for each in repositories},
                permissions=dict(granted),
            )
            self.context.state.installations[record.id] = record
            self._tell_installation(record, "created")
        return record

    def uninstall(self, record: Installation) -> None:
        with self.context.state.lock:
            self._tell_installation(record, "deleted")
            self.context.state.installations.pop(record.id)

    def suspend(self, record: Installation) -> None:
        with self.context.state.lock:
            record.is_suspended = True
            self._tell_installation(record, "suspend")

    def unsuspend(self, record: Installation) -> None:
        with self.context.state.lock:
            record.is_suspended = False
            self._tell_installation(record, "unsuspend")

    def add_repository(self, record: Installation, repository: Repository) -> None:
        """Choose one more; the installation must be of chosen repositories."""
        with self.context.state.lock:
            assert record.repository_ids is not None, "the installation sees all repositories"
            record.repository_ids.add(repository.id)
            self._tell_repositories(record, added=[repository])

    def remove_repository(self, record: Installation, repository: Repository) -> None:
        """Take one out; an installation of all becomes one of the others."""
        with self.context.state.lock:
            if record.repository_ids is None:
                state = self.context.state
                seen = (r for r in state.repositories.values() if state.is_seen(r, by=record))
                record.repository_ids = {each.id for each in seen}
            record.repository_ids.discard(repository.id)
            self._tell_repositories(record, removed=[repository])

    def expire_tokens(self) -> None:
        """Every installation token is refused from now on."""
        with self.context.state.lock:
            self.context.state.tokens.clear()

    def ping(self) -> None:
        """What GitHub sends when the App's webhook is set up."""
        with self.context.state.lock:
            self.context.hook.send("ping", payloads.ping(self.context))

    def _tell_installation(self, record: Installation, action: str) -> None:
        parts = payloads.installation(self.context, record, self.user("mona"))
        self.context.hook.send("installation", {"action": action, **parts})

    def _tell_repositories(
        self,
        record: Installation,
        *,
        added: list[Repository] | None = None,
        removed: list[Repository] | None = None,
    ) -> None:
        payload = payloads.installation_repositories(
            self.context, record, added=added or [], removed=removed or []
        )
        self.context.hook.send("installation_repositories", payload)

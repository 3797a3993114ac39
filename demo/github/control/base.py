"""What every part of the control has in hand."""

from pathlib import Path

from demo.github import payloads
from demo.github.context import Context
from demo.github.model import Account, Json, Repository
from demo.github.state import utc_now


class Control:
    """Base of the parts; LocalGitHub joins them."""

    context: Context

    def account(self, login: str, *, type: str = "User") -> Account:
        """The account of that login, made when there is none."""
        with self.context.state.lock:
            found = self.context.state.account(login)
            if found is None:
                found = Account(id=self.context.state.new_id(), login=login, type=type)
                self.context.state.accounts[found.id] = found
            return found

    def user(self, login: str) -> Account:
        return self.account(login)

    def organization(self, login: str) -> Account:
        return self.account(login, type="Organization")

    def _announce(
        self, event: str, repository: Repository, *, sender: Account | None = None, **parts: object
    ) -> None:
        """Send an event of a repository, if the App is installed there and not suspended."""
        installation = self.context.state.installation_of(repository)
        if installation is None or installation.is_suspended:
            return
        actor = sender or self.user("mona")
        payload: Json = payloads.framed(self.context, repository, actor, **parts)
        if event == "push":
            payload["repository"] = payloads.pushed_repository(self.context, repository)
        self.context.hook.send(event, payload)

    def _folder_of(self, repository_id: int) -> Path:
        return self.context.state.folder / f"{repository_id}.git"

    _now = staticmethod(utc_now)

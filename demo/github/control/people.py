"""Members, teams, and where the App lets people come back to after a log-in."""

from dataclasses import replace

from demo.github.control.base import Control
from demo.github.model import Account


class PeopleControl(Control):
    """What decides who may log in with the App, and as what."""

    @property
    def client_id(self) -> str:
        return self.context.identity.client_id

    @property
    def client_secret(self) -> str:
        return self.context.identity.client_secret

    def allow_callback(self, url: str) -> None:
        """Let log-ins end at this address, and at no other."""
        self.context.identity = replace(self.context.identity, callback_urls=(url,))

    def join(self, user: Account, organization: Account) -> None:
        with self.context.state.lock:
            self.context.state.members.add((organization.id, user.id))

    def join_team(self, user: Account, team: str, *, state: str = "active") -> None:
        """`team` is `org/slug`; `pending` is the state before an invitation is taken."""
        organization, _, slug = team.casefold().partition("/")
        with self.context.state.lock:
            self.context.state.teams.setdefault((organization, slug), {})[user.id] = state

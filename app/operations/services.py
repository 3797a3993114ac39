"""What every operation may use, built once by bootstrap."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta

from app.core.audit import AuditEvent
from app.core.databases import Database
from app.core.instances import Instance
from app.core.pages import GITHUB_URL
from app.core.people import OPERATOR, Actor
from app.core.workflow_file import ACTION
from app.operations.crowd import Crowd
from app.operations.permissions import Permissions
from app.operations.ports.clock import Clock
from app.operations.ports.github import GitHub, TokenVerifier
from app.operations.ports.postgres import DatabaseServer
from app.operations.ports.sign_in import AppRegistration, GitHubAccounts
from app.store.store import Store


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The collaborators of operations: the state database, what is outside, and plain values."""

    store: Store
    server_for: Callable[[Instance], DatabaseServer]
    """Raises OnAnotherHost for a server that stands on another machine."""
    located: Callable[[Instance, Database], Instance]
    """The instance with the addresses at which one of its databases stands: its kind decides."""
    free_bytes: Callable[[Instance], int | None]
    """Free room on the disk of an instance's server; None: nobody can tell from here."""
    github_of_app: Callable[[], GitHub]
    """Raises GitHubUnavailable while there is no GitHub App."""
    github_app: AppRegistration
    github_accounts: Callable[[], GitHubAccounts]
    tokens: TokenVerifier
    clock: Clock
    new_secret: Callable[[], str]
    """A password: 40 characters of [A-Za-z0-9]."""
    new_token: Callable[[], str]
    """A short random name part: 12 lowercase hex digits."""
    public_url: str
    retention: timedelta
    github_url: str = GITHUB_URL
    """Where people see repositories and jobs, for links; another for GitHub Enterprise Server."""
    action: str = ACTION
    """What workflows use, for those that are shown to copy."""
    crowd: Crowd = field(default_factory=Crowd)
    """Of the requests of this process."""
    permissions: Permissions = field(default_factory=Permissions)
    """What GitHub said of people lately."""
    actor: Actor = OPERATOR
    source: str = "command line"
    """Where the actor is: the command line of this machine, or an address of the network."""

    @property
    def github(self) -> GitHub:
        """GitHub as the App of the moment. Raises GitHubUnavailable while there is none."""
        return self.github_of_app()

    def instance_of(self, database: Database) -> Instance:
        """The instance of a database, with the addresses at which this one stands."""
        return self.located(self.store.instances.get(database.instance_id), database)

    def acting_as(self, actor: Actor, *, source: str) -> "Services":
        """The same collaborators, for operations that somebody else asked for."""
        return replace(self, actor=actor, source=source)

    def record(self, action: AuditEvent, subject: str, *, detail: str = "") -> None:
        """Write down in the audit trail what the actor did."""
        self.store.audit.record(self.actor.name, action, subject, detail=detail, source=self.source)

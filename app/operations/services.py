"""What every operation may use, built once by bootstrap."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import TYPE_CHECKING

from app.core.audit import Action
from app.core.instances import Instance
from app.core.people import OPERATOR, Actor
from app.core.workflow_file import ACTION
from app.operations.crowd import Crowd
from app.operations.ports.clock import Clock
from app.operations.ports.github import GitHub, TokenVerifier
from app.operations.ports.postgres import DatabaseServer
from app.operations.ports.sign_in import AppRegistration, GitHubAccounts

if TYPE_CHECKING:
    # The store needs packages that an installation of the command line alone does without.
    from app.store.access import StateDatabase
    from app.store.acknowledgements import Acknowledgements
    from app.store.apps import Apps
    from app.store.audit import Audit
    from app.store.branches import DormantBranches
    from app.store.checks import Checks
    from app.store.commands import Commands
    from app.store.databases import Databases
    from app.store.deliveries import Deliveries
    from app.store.device_logins import DeviceLogins
    from app.store.ended_sessions import EndedSessions
    from app.store.history import History
    from app.store.hosts import Hosts
    from app.store.instances import Instances
    from app.store.job_logins import JobLogins
    from app.store.leases import Leases
    from app.store.limits import Claims, InstanceLimits
    from app.store.login_links import LoginLinks
    from app.store.login_requests import LoginRequests
    from app.store.measurements import Measurements
    from app.store.migration_runs import Migrations
    from app.store.queue import Queue
    from app.store.repositories import Repositories
    from app.store.runs import Runs
    from app.store.seeds import Seeds
    from app.store.summaries import Summaries
    from app.store.tokens import AccessTokens


@dataclass(frozen=True, slots=True, kw_only=True)
class Services:
    """The collaborators of operations: ports only, no settings beyond plain values."""

    instances: Instances
    apps: Apps
    databases: Databases
    dormant_branches: DormantBranches
    repositories: Repositories
    checks: Checks
    commands: Commands
    summaries: Summaries
    runs: Runs
    migrations: Migrations
    history: History
    leases: Leases
    seeds: Seeds
    job_logins: JobLogins
    access_tokens: AccessTokens
    device_logins: DeviceLogins
    login_links: LoginLinks
    login_requests: LoginRequests
    ended_sessions: EndedSessions
    measurements: Measurements
    acknowledgements: Acknowledgements
    limits: InstanceLimits
    claims: Claims
    audit: Audit
    deliveries: Deliveries
    queue: Queue
    state: StateDatabase
    hosts: Hosts
    server_for: Callable[[Instance], DatabaseServer]
    """Raises OnAnotherHost for a server that stands on another machine."""
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
    github_url: str = "https://github.com"
    """Where people see repositories and jobs, for links; another for GitHub Enterprise Server."""
    action: str = ACTION
    """What workflows use, for those that are shown to copy."""
    crowd: Crowd = field(default_factory=Crowd)
    """Of the requests of this process."""
    actor: Actor = OPERATOR
    source: str = "command line"
    """Where the actor is: the command line of this machine, or an address of the network."""

    @property
    def github(self) -> GitHub:
        """GitHub as the App of the moment. Raises GitHubUnavailable while there is none."""
        return self.github_of_app()

    def acting_as(self, actor: Actor, *, source: str) -> Services:
        """The same collaborators, for operations that somebody else asked for."""
        return replace(self, actor=actor, source=source)

    def record(self, action: Action, subject: str, *, detail: str = "") -> None:
        """Write down in the audit trail what the actor did."""
        self.audit.record(self.actor.name, action, subject, detail=detail, source=self.source)

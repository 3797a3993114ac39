"""All of the state database, as operations have it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    # The tables need packages that an installation of the command line alone does without.
    from app.store.access import StateDatabase
    from app.store.acknowledgements import Acknowledgements
    from app.store.apps import Apps, DormantBranches
    from app.store.audit import Audit
    from app.store.checks import Checks
    from app.store.conversation import Conversation
    from app.store.databases import Databases
    from app.store.deliveries import Deliveries
    from app.store.hosts import Hosts
    from app.store.instances import Instances
    from app.store.job_logins import JobLogins
    from app.store.limits import Handovers, InstanceLimits
    from app.store.login_requests import LoginRequests
    from app.store.measurements import Measurements
    from app.store.migration_runs import Leases, Migrations
    from app.store.outbox import Outbox
    from app.store.queue import Queue
    from app.store.repositories import Repositories
    from app.store.runs import History, Runs
    from app.store.seeds import Seeds
    from app.store.sign_in import AccessTokens, DeviceLogins, EndedSessions, LoginLinks


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A part for each table or two; all of them over one pool of connections."""

    instances: Instances
    apps: Apps
    databases: Databases
    dormant_branches: DormantBranches
    repositories: Repositories
    outbox: Outbox
    checks: Checks
    conversation: Conversation
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
    handovers: Handovers
    audit: Audit
    deliveries: Deliveries
    queue: Queue
    state: StateDatabase
    hosts: Hosts

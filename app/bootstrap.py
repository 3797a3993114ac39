"""Building the service: the only builder of adapters."""

import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from app import process_environment
from app.config import Config
from app.connected_app import GitHubOfApp, registration_of
from app.core.github_app import GitHubApp
from app.core.instances import InstanceKind
from app.github.oidc import OidcVerifier
from app.jobs import queue
from app.kept_settings import to_keep
from app.machine.clusters import Clusters
from app.machine.data_dir import DataDir, this_host
from app.machine.servers import Provider, Provisioned, Servers
from app.operations.ports.github import GitHub
from app.operations.ports.sign_in import AppRegistration, GitHubAccounts
from app.operations.services import Services
from app.postgres import certificates
from app.postgres.embedded.progress import Tell
from app.postgres.embedded.server import EmbeddedServer
from app.postgres.passwords import new_password
from app.postgres.sessions import admin_login, dsn
from app.store import kept_settings
from app.store.access import StateDatabase
from app.store.acknowledgements import Acknowledgements
from app.store.apps import Apps, DormantBranches
from app.store.audit import Audit
from app.store.checks import Checks
from app.store.connection import open_pool
from app.store.conversation import Conversation
from app.store.databases import Databases
from app.store.deliveries import Deliveries
from app.store.github_app import StoredGitHubApp
from app.store.hosts import Hosts
from app.store.instances import Instances
from app.store.job_logins import JobLogins
from app.store.limits import Handovers, InstanceLimits
from app.store.login_requests import LoginRequests
from app.store.measurements import Measurements
from app.store.migration_runs import Leases, Migrations
from app.store.outbox import Outbox
from app.store.preparation import close, prepare
from app.store.queue import Queue
from app.store.repositories import Repositories
from app.store.runs import History, Runs
from app.store.seeds import Seeds
from app.store.sign_in import AccessTokens, DeviceLogins, EndedSessions, LoginLinks
from app.store.store import Store
from app.store.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class State:
    """The state database, and the keys to what is encrypted in it."""

    dsn: str = field(repr=False)
    vault: Vault
    is_embedded: bool = False
    """Its server is our own, and nobody else's."""


def child_environment(config: Config) -> dict[str, str]:
    """The environment for processes of ours: this one's, and where they share their counters."""
    folder = DataDir(path=config.data_dir).metrics
    return {
        **process_environment.variables(),
        "PROMETHEUS_MULTIPROC_DIR": str(folder),
        "PYTHONUNBUFFERED": "1",
    }


def state_server(config: Config, *, tell: Tell | None = None) -> EmbeddedServer | None:
    """The embedded state database's server; None when there is another state database."""
    if config.database_url is not None:
        return None
    folder = DataDir(path=config.data_dir).state
    return EmbeddedServer(folder, bin_dir=config.postgres_bin, tell=tell)


def clusters(config: Config, *, for_serve: bool = False, tell: Tell | None = None) -> Clusters:
    """The servers of provisioned instances on this machine.

    `serve` stops them when it ends; others leave that to it while it runs. `tell`: somebody waits
    for a start, and hears how far it is.
    """
    directory = DataDir(path=config.data_dir)
    is_served = (lambda: False) if for_serve else directory.is_served
    return Clusters(
        directory.instances, bin_dir=config.postgres_bin, is_served=is_served, tell=tell
    )


def known_secrets(config: Config) -> list[str]:
    """Values that no log may hold."""
    fields = [getattr(config, name) for name in type(config).model_fields]
    flat = [item for value in fields for item in (value if isinstance(value, tuple) else [value])]
    return [item.get_secret_value() for item in flat if hasattr(item, "get_secret_value")]


@contextmanager
def open_state(config: Config, *, tell: Tell | None = None) -> Iterator[State]:
    """Find the state database, starting an embedded one if it does not run.

    `tell` hears how far that is. An embedded one is stopped at the end unless somebody else uses
    it. Does not look into the database: see `prepare_state`.
    """
    DataDir(path=config.data_dir).make()
    vault = Vault([key.get_secret_value() for key in config.secret_keys])
    server = state_server(config, tell=tell)
    if server is None:
        url = config.database_url.get_secret_value() if config.database_url else ""
        yield State(dsn=url, vault=vault)
        return
    try:
        with server.hold():
            login = server.start()
            yield State(dsn=dsn(admin_login(login)), vault=vault, is_embedded=True)
    finally:
        server.stop_if_unused()


def prepare_state(state: State) -> list[str]:
    """Apply the schema and check the keys. Raises StateUnavailable, WrongSecretKey."""
    return prepare(state.dsn, state.vault, queue_schema=queue.queue_schema())


def keep_settings(config: Config, state: State) -> None:
    """Have commands beside the service find its settings; see `settings.completed_by`."""
    given = process_environment.variables()
    kept_settings.keep(state.dsn, state.vault, to_keep(given, config))


def settings_kept(state: State) -> Mapping[str, str]:
    """Those of the service that was started last. Raises StateUnavailable."""
    return kept_settings.kept(state.dsn, state.vault)


def prepare_for_service(state: State) -> None:
    """The same for a process that stays, which also closes what is ours alone to strangers.

    Not for a command of a moment: it would change rights without a log to say so.
    """
    prepare_state(state)
    close(state.dsn, is_embedded=state.is_embedded)


@contextmanager
def open_services(config: Config, state: State, local: Clusters) -> Iterator[Services]:
    """Everything operations need, with connections of this process alone: call it after a fork."""
    certificates.keep_in(DataDir(path=config.data_dir).certificates)
    with ExitStack() as stack:
        pool = stack.enter_context(open_pool(state.dsn))
        stack.callback(local.close)
        vault = state.vault
        hosts = Hosts(pool, this_host(DataDir(path=config.data_dir)))
        registration = registration_of(config, StoredGitHubApp(pool, vault))
        outbox = Outbox(pool)
        store = Store(
            instances=Instances(pool, vault),
            apps=Apps(pool),
            databases=Databases(pool, vault),
            dormant_branches=DormantBranches(pool),
            repositories=Repositories(pool, app_id=registration.app_id),
            outbox=outbox,
            checks=Checks(pool, outbox),
            conversation=Conversation(pool, outbox),
            runs=Runs(pool),
            migrations=Migrations(pool),
            history=History(pool),
            leases=Leases(pool),
            seeds=Seeds(pool),
            job_logins=JobLogins(pool, vault),
            access_tokens=AccessTokens(pool),
            device_logins=DeviceLogins(pool),
            login_links=LoginLinks(pool),
            login_requests=LoginRequests(pool),
            ended_sessions=EndedSessions(pool),
            measurements=Measurements(pool),
            acknowledgements=Acknowledgements(pool),
            limits=InstanceLimits(pool),
            handovers=Handovers(pool),
            audit=Audit(pool),
            deliveries=Deliveries(pool),
            queue=Queue(pool),
            state=StateDatabase(pool),
            hosts=hosts,
        )
        kinds = {
            InstanceKind.LINKED: Provider(),
            InstanceKind.PROVISIONED: Provisioned(local, hosts),
        }
        servers = Servers(hosts, kinds)
        yield Services(
            store=store,
            server_for=servers,
            located=servers.located,
            free_bytes=local.free_bytes,
            github_of_app=stack.enter_context(closing(_github(config, registration))),
            github_app=registration,
            # Two threads may each build one at first; the stack closes both.
            github_accounts=cache(lambda: stack.enter_context(closing(_accounts(config)))),
            tokens=OidcVerifier(config.oidc_issuer, config.public_url),
            clock=lambda: datetime.now(UTC),
            new_secret=new_password,
            new_token=lambda: secrets.token_hex(6),
            public_url=config.public_url,
            retention=config.retention,
            github_url=config.github_url,
            action=config.action,
        )


def _github(config: Config, registration: AppRegistration) -> GitHubOfApp:
    def build(app: GitHubApp) -> GitHub:
        # Late, as below: importing PyGithub takes longer than most commands, which do without.
        from app.github.adapter import RestGitHub

        return RestGitHub(
            app_id=app.app_id, private_key=app.private_key, api_url=config.github_api_url
        )

    return GitHubOfApp(registration, build, public_url=config.public_url)


def _accounts(config: Config) -> GitHubAccounts:
    from app.github.accounts import RestAccounts

    return RestAccounts(config.github_api_url)

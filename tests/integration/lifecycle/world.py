"""A world to tell stories in: GitHub, the service, a server for tenants, and a repository."""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import LiteralString
from urllib.parse import quote

from flask import Flask
from psycopg import Connection, connect, sql
from psycopg.rows import DictRow, dict_row
from werkzeug.serving import make_server

from app import bootstrap
from app.config import Config
from app.core.assignments import App, Assignment, Policies
from app.core.checks import Check
from app.core.databases import Database, DatabaseState
from app.core.environments import Environment
from app.core.identifiers import (
    AppId,
    BranchName,
    CommitSha,
    DatabaseName,
    InstallationId,
    OwnerId,
    RepositoryId,
)
from app.core.instances import AdminLogin, Instance, InstanceKind
from app.core.intents import ReconcileRepository
from app.core.people import NOBODY
from app.core.repositories import InstallationState
from app.core.repositories import Repository as Known
from app.jobs import handlers, periodic
from app.machine.clusters import Clusters
from app.operations.crowd import Crowd
from app.operations.databases import housekeeping
from app.operations.permissions import Permissions
from app.operations.services import Services
from app.store.connection import state_conninfo
from app.store.vault import new_key
from app.web.application import create_app
from demo.github.model import Installation, Repository
from demo.github.server import LocalGitHub
from tests.integration.lifecycle.job_runner import JobRunner, open_job_runner

# Webhooks cause jobs, jobs cause webhooks; more rounds than this would be a circle.
MOST_ROUNDS = 3

# The queue knows the tasks of modules that were imported.
__all__ = [
    "World",
    "handlers",
    "open_world",
    "periodic",
    "settings_of",
]


class Clock:
    """The service's clock, which a story may put forward."""

    def __init__(self) -> None:
        self.ahead = timedelta(0)

    def __call__(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@dataclass(kw_only=True)
class World:
    """One repository with one app, and everything around it that is real."""

    app: AppId
    github: LocalGitHub
    repository: Repository
    installation: Installation
    services: Services
    dsn: str
    clock: Clock
    clusters: Clusters
    web: Flask
    runner: JobRunner
    state: Connection[DictRow]
    """A session of the story's own in the state database; each statement counts at once."""
    settings: dict[str, str] = field(repr=False)

    def settle(self) -> None:
        """Hand over every webhook and run jobs until none is due."""
        for _ in range(MOST_ROUNDS):
            self.github.hook.wait()
            if not self.has_work():
                return
            self.work()

    def has_work(self) -> bool:
        """Whether a worker would find a job; one that another worker left counts."""
        due = self.state.execute(
            "SELECT FROM procrastinate_jobs WHERE status = 'doing'"
            " OR status = 'todo' AND coalesce(scheduled_at, now()) <= now() LIMIT 1"
        )
        return due.rowcount > 0

    def work(self) -> None:
        """Run the jobs that are due, as a worker does; those of dead workers too."""
        self.runner.run()

    def reconcile(self) -> None:
        """What the worker does every ten minutes, done now."""
        housekeeping.reconcile_everything(self.services)
        self.settle()

    def sha(self, text: str) -> CommitSha:
        return CommitSha(text)

    def inside(self, database: Database) -> Connection[tuple[object, ...]]:
        """A session in a database of the tenants' server, as whoever has its URL."""
        address = self.services.store.instances.named("tenants").admin.address
        return connect(
            host=address.host,
            port=address.port,
            dbname=database.name,
            user=database.login_role,
            password=self.services.store.databases.password(database.id),
            autocommit=True,
        )

    def put_retries_forward(self) -> None:
        """Make jobs that wait for another attempt due now."""
        self.state.execute("UPDATE procrastinate_jobs SET scheduled_at = NULL")

    def renew_budget(self) -> None:
        """As if nothing had been written to GitHub for an hour."""
        self.state.execute("DELETE FROM github_writes")

    def jobs(self) -> list[str]:
        """Names of the jobs that are not done, but for a look at sizes that is put off."""
        rows = self.state.execute(
            "SELECT task_name FROM procrastinate_jobs WHERE status IN ('todo', 'doing')"
            " AND task_name <> 'instances:measure' ORDER BY id"
        ).fetchall()
        return [row["task_name"] for row in rows]

    def assign(self, app_id: str | None = None, **policies: object) -> Assignment:
        """Assign the repository's app to the tenants' server, and let the worker do its part."""
        self.github.hook.wait()
        assignment = self.assign_quietly(app_id, **policies)
        self.settle()
        return assignment

    def assign_quietly(self, app_id: str | None = None, **policies: object) -> Assignment:
        """The same without waiting for anything."""
        self.services.store.repositories.save(self.known())
        first = not self.services.store.apps.of_repository(RepositoryId(self.repository.id))
        app = App(
            id=AppId(app_id or self.app),
            repository_id=RepositoryId(self.repository.id),
            has_bare_checks=first,
        )
        self.services.store.apps.add(app)
        assignment = Assignment(
            app=app,
            instance_id=self.services.store.instances.named("tenants").id,
            migration_command="migrate",
            policies=replace(Policies(), **policies),  # type: ignore[arg-type]
        )
        self.services.store.apps.assign(
            assignment,
            then=[ReconcileRepository(repository_id=RepositoryId(self.repository.id))],
        )
        return assignment

    def assign_without_shared(self, app_id: str | None = None, **policies: object) -> Assignment:
        """The same, but production and preview are not made before somebody asks for them.

        They cost more than all else of a story that is about its branches alone.
        """
        assignment = self.assign_quietly(app_id, **policies)
        self.state.execute("DELETE FROM procrastinate_jobs")
        self.services.store.dormant_branches.begin(assignment.app.id, [])
        return assignment

    def known(self) -> Known:
        """The repository as the service would store it."""
        return Known(
            id=RepositoryId(self.repository.id),
            owner_id=OwnerId(self.repository.owner.id),
            full_name=self.repository.full_name,
            default_branch=BranchName(self.repository.default_branch),
            is_private=True,
            is_archived=False,
            installation_id=InstallationId(self.installation.id),
            installation_state=InstallationState.ACTIVE,
        )

    def database(self, branch: str, app_id: str | None = None) -> Database | None:
        """The live database of a branch, in any state but `gone`."""
        return self.services.store.databases.live(
            AppId(app_id or self.app), Environment.BRANCH, BranchName(branch)
        )

    def ready(self, branch: str) -> Database:
        """The branch's database, which is ready."""
        database = self.database(branch)
        assert database is not None, f"{branch} has no database"
        assert database.state is DatabaseState.READY, f"{database.state}: {database.reason}"
        return database

    def shared(self, environment: Environment) -> Database | None:
        return self.services.store.databases.live(self.app, environment)

    def names_on_server(self) -> list[DatabaseName]:
        instance = self.services.store.instances.named("tenants")
        return sorted(self.services.server_for(instance).database_names(prefix=f"{self.app}-"))

    def checks(self, head_sha: str) -> Sequence[Check]:
        rows = self.state.execute(
            "SELECT id FROM outbox WHERE repository_id = %s AND place = %s ORDER BY id",
            [self.repository.id, head_sha],
        ).fetchall()
        return [self.services.store.checks.get(row["id"]) for row in rows]

    def pass_time(self, **amount: float) -> None:
        self.clock.ahead += timedelta(**amount)


def state_url(admin: AdminLogin, database: str, *, port: int | None = None) -> str:
    """Where the service finds its state, perhaps through another port."""
    address = admin.address
    login = f"{admin.user}:{quote(admin.password)}"
    return f"postgresql://{login}@{address.host}:{port or address.port}/{database}"


def settings_of(github: LocalGitHub, dsn: str, folder: str) -> dict[str, str]:
    """The service's environment."""
    return {
        "COPPICE_DATABASE_URL": dsn,
        "COPPICE_DATA_DIR": folder,
        "COPPICE_SECRET_KEYS": new_key(),
        "COPPICE_GITHUB_APP_ID": str(github.app_id),
        "COPPICE_GITHUB_PRIVATE_KEY": github.private_key,
        "COPPICE_GITHUB_WEBHOOK_SECRETS": github.webhook_secret,
        "COPPICE_GITHUB_CLIENT_ID": github.client_id,
        "COPPICE_GITHUB_CLIENT_SECRET": github.client_secret,
        "COPPICE_GITHUB_URL": github.url,
        "COPPICE_GITHUB_API_URL": github.api_url,
        "COPPICE_OIDC_ISSUER": github.oidc_issuer,
    }


@dataclass(kw_only=True)
class Service:
    """A service with its state database and a worker.

    It takes webhooks over real HTTP; jobs run when a story says so.
    """

    services: Services
    clock: Clock
    dsn: str
    clusters: Clusters
    web: Flask
    webhook_url: str
    runner: JobRunner
    state: Connection[DictRow]
    settings: dict[str, str] = field(repr=False)

    @contextmanager
    def world(self, github: LocalGitHub, admin: AdminLogin) -> Iterator[World]:
        """A world at this GitHub, which begins anew."""
        github.reset()
        self.services.store.instances.add(tenants(admin))
        repository = github.create_repository("acme/shop")
        installation = github.install(repository.owner)
        github.webhook_url = self.webhook_url
        world = World(
            # The server is shared with other tests, which run at the same time.
            app=AppId(secrets.token_hex(5)),
            github=github,
            repository=repository,
            installation=installation,
            services=self.services,
            dsn=self.dsn,
            clock=self.clock,
            clusters=self.clusters,
            web=self.web,
            runner=self.runner,
            state=self.state,
            settings=self.settings,
        )
        yield world
        remove_databases(world)


class LastingService:
    """A service for one world after the other: opening one takes as long as a push does."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._parts = dict(service.web.extensions)
        self._empty = _emptying(service.state)

    @contextmanager
    def world(self, github: LocalGitHub, admin: AdminLogin) -> Iterator[World]:
        """A world at this GitHub; it and the service begin anew, and know of no other."""
        github.reset()
        service = self._service
        service.state.execute(_END_TRANSACTIONS)
        service.state.execute(self._empty)
        service.clock = Clock()
        service.services = replace(
            service.services, clock=service.clock, crowd=Crowd(), permissions=Permissions()
        )
        service.runner.services = service.services
        asked = service.services.acting_as(NOBODY, source="")  # as `create_app` has them
        service.web.extensions.update(self._parts, services=asked)
        with service.world(github, admin) as world:
            yield world


# Of workers that were killed, say.
_END_TRANSACTIONS = """
SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity
WHERE datname = current_database() AND state <> 'idle' AND pid <> pg_backend_pid()
"""
_TABLES = "SELECT tablename::text AS name FROM pg_tables WHERE schemaname = current_schema"


def _emptying(state: Connection[DictRow]) -> sql.Composed:
    """What makes the state database what it is now, when nothing has happened yet."""
    names = {row["name"] for row in state.execute(_TABLES)} - {"schema_versions"}
    tables = [sql.Identifier(name) for name in sorted(names)]
    state.execute("CREATE SCHEMA at_first")
    steps = [sql.SQL("TRUNCATE {} RESTART IDENTITY").format(sql.SQL(", ").join(tables))]
    for table in tables:
        kept = sql.SQL("at_first.{}").format(table)
        if state.execute(sql.SQL("CREATE TABLE {} AS TABLE {}").format(kept, table)).rowcount:
            steps.append(sql.SQL("INSERT INTO {} TABLE {}").format(table, kept))
    return sql.SQL("; ").join(steps)


@contextmanager
def open_service(github: LocalGitHub, dsn: str, folder: str) -> Iterator[Service]:
    """A service whose App is at this GitHub."""
    with ExitStack() as stack:
        settings = settings_of(github, dsn, folder)
        config = Config.from_environ(settings)
        state = stack.enter_context(bootstrap.open_state(config))
        clock = Clock()
        clusters = bootstrap.clusters(config)
        services = replace(
            stack.enter_context(bootstrap.open_services(config, state, clusters)),
            clock=clock,
        )
        web = create_app(services, config, clusters)
        server = make_server("127.0.0.1", 0, web, threaded=True)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        stack.callback(server.server_close)
        stack.callback(thread.join)
        stack.callback(server.shutdown)
        yield Service(
            services=services,
            clock=clock,
            dsn=dsn,
            clusters=clusters,
            web=web,
            webhook_url=f"http://127.0.0.1:{server.server_port}/webhooks/github",
            runner=stack.enter_context(open_job_runner(dsn, services)),
            state=stack.enter_context(
                connect(state_conninfo(dsn), autocommit=True, row_factory=dict_row)
            ),
            settings=settings,
        )


@contextmanager
def open_world(github: LocalGitHub, dsn: str, admin: AdminLogin, folder: str) -> Iterator[World]:
    """A world with a service of its own.

    Nobody else may use `github` meanwhile: it begins anew.
    """
    with open_service(github, dsn, folder) as service, service.world(github, admin) as world:
        yield world


def tenants(admin: AdminLogin) -> Instance:
    """The tests' PostgreSQL as a linked instance."""
    return Instance(
        name="tenants",
        kind=InstanceKind.LINKED,
        admin=admin,
        public_address=admin.address,
    )


def remove_databases(world: World) -> None:
    """The server is shared by all tests: leave nothing of this story on it.

    As superuser, all at once: the service's way to drop one, which has its own tests, takes five
    times as long.
    """
    made = [each.tenant() for each in world.services.store.databases.all()]
    owners, logins = [each.owner_role for each in made], [each.login_role for each in made]
    for database in _answers(world, _DATABASES_OF, [owners]):
        _run(world, "DROP DATABASE IF EXISTS {} WITH (FORCE)", [database])
    if roles := _answers(world, _ROLES_OF, [owners, logins, logins]):
        _run(world, "DROP ROLE {}", roles)


# Also those that were renamed in order to be dropped.
_DATABASES_OF = "SELECT datname AS name FROM pg_database WHERE pg_get_userbyid(datdba) = ANY(%s)"
# Jobs have logins of their own, called alike, that are members of the long-lived one.
_ROLES_OF = """
SELECT rolname AS name FROM pg_roles WHERE rolname = ANY(%s) OR rolname = ANY(%s) OR EXISTS (
    SELECT FROM unnest(%s::text[]) AS login JOIN pg_auth_members
    ON pg_get_userbyid(roleid) = login AND member = pg_roles.oid
    AND starts_with(rolname, split_part(login, '-', 1) || '-'))
"""


def _answers(world: World, query: LiteralString, values: list[object]) -> list[str]:
    return [row["name"] for row in world.state.execute(query, values)]


def _run(world: World, statement: LiteralString, names: list[str]) -> None:
    listed = sql.SQL(", ").join(map(sql.Identifier, names))
    world.state.execute(sql.SQL(statement).format(listed))

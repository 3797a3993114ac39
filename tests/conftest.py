"""Fixtures that any test may use: a real PostgreSQL, as state and as a server for tenants."""

import gc
import os
import sys
import uuid
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

import pytest
from procrastinate.schema import SchemaManager
from psycopg import sql

from app.core.databases import TenantDatabase
from app.core.identifiers import DatabaseName, RoleName
from app.core.instances import Address, AdminLogin, SslMode
from app.postgres.embedded.binaries import find_binaries
from app.postgres.embedded.tenant_cluster import prepare_tenant_cluster
from app.postgres.server import PostgresServer
from app.postgres.sessions import Login, admin_login, connect, dsn
from app.store.schema import migrate
from tests import postgres_cluster, routes
from tests.scheduling import pytest_collection_modifyitems as pytest_collection_modifyitems
from tests.scheduling import pytest_xdist_make_scheduler as pytest_xdist_make_scheduler

_DIRECTORY = pytest.StashKey[Path]()
_TEMPLATE = "coppice_template"


# --- one cluster for the session: the process that the workers belong to makes and removes it ----


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--postgres-bin",
        type=Path,
        help="folder of the PostgreSQL programs to test with (default: as the service would)",
    )


def pytest_configure(config: pytest.Config) -> None:
    # Each process would else rewrite all tests, and compile all of the service, for itself.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    sys.dont_write_bytecode = False
    routes.compile_once()
    gc.disable()  # while modules are imported and tests collected: see pytest_collection_finish
    given = getattr(config, "workerinput", {}).get("postgres_directory")
    if given:
        config.stash[_DIRECTORY] = Path(given)
        return
    postgres_cluster.remove_leftovers()
    config.stash[_DIRECTORY] = postgres_cluster.new_directory()
    config.add_cleanup(lambda: postgres_cluster.remove(config.stash[_DIRECTORY]))


def pytest_collection_finish() -> None:
    """Have Python look for garbage among what tests make, and not among tests and modules."""
    gc.collect()
    gc.freeze()
    # Looking less often saves time and leaves the sessions of servers that tests forget open.
    gc.enable()


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Iterator[None]:
    """Remove what tests started in their `tmp_path`s; those of all workers are below this one."""
    yield
    if not hasattr(session.config, "workerinput"):
        factory: pytest.TempPathFactory = session.config._tmp_path_factory  # type: ignore[attr-defined]
        postgres_cluster.remove_servers_below(factory.getbasetemp())


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell each worker of pytest-xdist where the cluster is."""
    node.workerinput["postgres_directory"] = str(node.config.stash[_DIRECTORY])


def pytest_report_header(config: pytest.Config) -> str:
    binaries = find_binaries(config.option.postgres_bin)
    return f"PostgreSQL {binaries.version} ({binaries.folder})"


@pytest.fixture(scope="session")
def postgres_directory(pytestconfig: pytest.Config) -> Path:
    return pytestconfig.stash[_DIRECTORY]


@pytest.fixture(scope="session")
def postgres_superuser(pytestconfig: pytest.Config, postgres_directory: Path) -> AdminLogin:
    """The superuser of the session's cluster, which is started by whoever asks first."""
    bin_dir = pytestconfig.option.postgres_bin
    return postgres_cluster.cluster(postgres_directory, bin_dir=bin_dir).start()


# --- the state database --------------------------------------------------------------------------


@pytest.fixture(scope="session")
def state_template(postgres_directory: Path, postgres_superuser: AdminLogin) -> str:
    """A database with our schema, made once, to be copied for each test."""

    def make() -> dict[str, str]:
        with connect(admin_login(postgres_superuser)) as session:
            session.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(_TEMPLATE)))
        migrate(_dsn(postgres_superuser, _TEMPLATE), queue_schema=SchemaManager.get_schema())
        return {"name": _TEMPLATE}

    return postgres_cluster.once(postgres_directory, "template", make)["name"]


@pytest.fixture(scope="session")
def new_state_database(
    postgres_superuser: AdminLogin, state_template: str
) -> Iterator[Callable[[], AbstractContextManager[str]]]:
    """Makes a fresh state database, which is gone at the end; gives its name."""
    # Copying files takes a fifth of the time of PostgreSQL's usual way, which logs every page.
    create = sql.SQL("CREATE DATABASE {name} TEMPLATE {template} STRATEGY FILE_COPY")
    drop = sql.SQL("DROP DATABASE {name} WITH (FORCE)")

    @contextmanager
    def new() -> Iterator[str]:
        name = f"state_{uuid.uuid4().hex}"
        names = {"name": sql.Identifier(name), "template": sql.Identifier(state_template)}
        session.execute(create.format(**names))
        yield name
        session.execute(drop.format(**names))

    with connect(admin_login(postgres_superuser)) as session:
        yield new


@pytest.fixture
def state_database(new_state_database: Callable[[], AbstractContextManager[str]]) -> Iterator[str]:
    """The name of a fresh state database; gone after the test."""
    with new_state_database() as name:
        yield name


@pytest.fixture
def state_dsn(postgres_superuser: AdminLogin, state_database: str) -> str:
    """How to connect to a fresh state database."""
    return _dsn(postgres_superuser, state_database)


def _dsn(admin: AdminLogin, database: str) -> str:
    address, user, password = admin.address, admin.user, admin.password
    return dsn(Login(address=address, user=user, password=password, database=database))


# --- a server for tenants ------------------------------------------------------------------------


@pytest.fixture(scope="session")
def postgres_admin(postgres_directory: Path, postgres_superuser: AdminLogin) -> AdminLogin:
    """A role that may create databases and roles and is no superuser, as on managed services."""

    def make() -> dict[str, str]:
        admin = prepare_tenant_cluster(postgres_superuser)
        return {"user": admin.user, "password": admin.password}

    made = postgres_cluster.once(postgres_directory, "admin", make)
    address = Address(
        host=postgres_superuser.address.host,
        port=postgres_superuser.address.port,
        sslmode=SslMode.DISABLE,
    )
    return AdminLogin(address=address, user=made["user"], password=made["password"])


@pytest.fixture
def tenant_server(postgres_admin: AdminLogin) -> Iterator[PostgresServer]:
    """The session's cluster, as operations see it."""
    server = PostgresServer(postgres_admin)
    yield server
    server.close()


@pytest.fixture
def new_tenant(tenant_server: PostgresServer) -> Iterator[Callable[..., TenantDatabase]]:
    """Gives names that nobody else uses; drops whatever was made under them after the test.

    `beside`: another database of the same app, whose data role it shares.
    """
    made: list[TenantDatabase] = []

    def new(*, beside: TenantDatabase | None = None) -> TenantDatabase:
        token = uuid.uuid4().hex[:10]
        app = beside.login_role.partition("-")[0] if beside else token
        made.append(
            TenantDatabase(
                name=DatabaseName(f"{app}--{token}"),
                owner_role=RoleName(f"{app}-o-{token}"),
                login_role=RoleName(f"{app}-u-{token}"),
                data_role=beside.data_role if beside else RoleName(f"{app}-d-{token}"),
                marker=uuid.uuid4().hex,
            )
        )
        return made[-1]

    yield new
    for tenant in made:
        tenant_server.drop(tenant)

"""A tenant with a database, as its long-lived login and as a job's."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from app.core.databases import Template, TenantDatabase
from app.core.identifiers import DatabaseName, RoleName
from app.core.instances import AdminLogin
from app.operations.ports.postgres import JobLoginRequest
from app.postgres.passwords import new_password
from app.postgres.server import PostgresServer
from app.postgres.sessions import Login, Session, admin_login, connect
from tests.integration.german import speaking_german
from tests.integration.shared_cluster import let_in, remove_role

NewAdmin = Callable[[str], AdminLogin]


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant:
    """A database and a login for it."""

    admin: AdminLogin
    database: TenantDatabase
    role: RoleName
    password: str = field(repr=False)

    @contextmanager
    def session(self, *, database: str | None = None) -> Iterator[Session]:
        login = Login(
            address=self.admin.address,
            user=self.role,
            password=self.password,
            database=database or self.database.name,
        )
        with connect(login) as session:
            yield session

    def can_connect(self) -> bool:
        try:
            with self.session():
                return True
        except psycopg.OperationalError:
            return False

    def run(self, *statements: str) -> None:
        with self.session() as session:
            for statement in statements:
                session.execute(statement.encode())

    def value(self, query: str) -> object:
        with self.session() as session:
            row = session.execute(query.encode()).fetchone()
        assert row is not None
        return row[0]


def as_login(tenant: Tenant) -> str:
    """How a job's session, which acts as who owns what is inside, acts as the long-lived login."""
    return f'SET ROLE "{tenant.database.login_role}"'


def job_request(
    database: TenantDatabase, *, name: str = "j1", lock_timeout: str = ""
) -> JobLoginRequest:
    return JobLoginRequest(
        role=RoleName(f"{database.login_role}-{name}"),
        password=new_password(),
        valid_until=datetime.now(UTC) + timedelta(minutes=30),
        settings={"lock_timeout": lock_timeout} if lock_timeout else {},
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """A database, as its long-lived login and as a job's."""

    login: Tenant
    job: Tenant

    @property
    def database(self) -> TenantDatabase:
        return self.login.database

    @property
    def both(self) -> tuple[Tenant, Tenant]:
        return self.login, self.job


def made(server: PostgresServer, admin: AdminLogin, database: TenantDatabase) -> Place:
    password, request = new_password(), job_request(database)
    server.provision(database, password=password)
    server.open_job_login(database, request)
    login = Tenant(admin=admin, database=database, role=database.login_role, password=password)
    return Place(login=login, job=replace(login, role=request.role, password=request.password))


NewTemplate = Callable[..., Place]
NewClone = Callable[[Place], TenantDatabase]


@pytest.fixture
def new_provisioned(
    tenant_server: PostgresServer,
    postgres_admin: AdminLogin,
    new_tenant: Callable[[], TenantDatabase],
) -> Callable[[], Tenant]:
    def new() -> Tenant:
        database, password = new_tenant(), new_password()
        tenant_server.provision(database, password=password)
        return Tenant(
            admin=postgres_admin, database=database, role=database.login_role, password=password
        )

    return new


@pytest.fixture
def tenant(new_provisioned: Callable[[], Tenant]) -> Tenant:
    """The long-lived login of a fresh database."""
    return new_provisioned()


@pytest.fixture
def job(tenant: Tenant, tenant_server: PostgresServer) -> Tenant:
    """A job's login for the same database as `tenant`."""
    request = job_request(tenant.database)
    tenant_server.open_job_login(tenant.database, request)
    return Tenant(
        admin=tenant.admin,
        database=tenant.database,
        role=request.role,
        password=request.password,
    )


@pytest.fixture(params=["tenant", "job"])
def either(request: pytest.FixtureRequest) -> Tenant:
    """Both kinds of login, one after the other."""
    login: Tenant = request.getfixturevalue(request.param)
    return login


@pytest.fixture(params=["english", "german"])
def admin_of_any_language(
    request: pytest.FixtureRequest, postgres_admin: AdminLogin
) -> Iterator[AdminLogin]:
    """The service's login to a server whose words say nothing to us; its codes do."""
    if request.param == "english":
        yield postgres_admin
        return
    with speaking_german(postgres_admin.address) as address:
        yield replace(postgres_admin, address=address)


@pytest.fixture
def server_of_any_language(admin_of_any_language: AdminLogin) -> Iterator[PostgresServer]:
    server = PostgresServer(admin_of_any_language)
    yield server
    server.close()


@pytest.fixture
def superuser(postgres_superuser: AdminLogin) -> Iterator[Session]:
    """For staging what only a DBA or a crash can do, and for seeing everything."""
    with connect(admin_login(postgres_superuser)) as session:
        yield session


@pytest.fixture
def superuser_in(postgres_superuser: AdminLogin) -> Iterator[Callable[[str], Session]]:
    """Sessions of the superuser in any database; closed after the test."""
    with ExitStack() as sessions:
        yield lambda name: sessions.enter_context(
            connect(admin_login(postgres_superuser, database=DatabaseName(name)))
        )


@pytest.fixture
def new_admin(superuser: Session, postgres_superuser: AdminLogin) -> Iterator[NewAdmin]:
    """Makes roles with the attributes that a DBA happened to give."""
    made: list[sql.Identifier] = []

    def new(attributes: str) -> AdminLogin:
        # Not as PostgreSQL would read it where a name is not in quotes.
        name, password = f"Admin.{uuid4().hex}", new_password()
        role = sql.Identifier(name)
        made.append(role)
        superuser.execute(
            sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(role, sql.Literal(password))
        )
        superuser.execute(sql.SQL("ALTER ROLE {} ").format(role) + sql.SQL(attributes))
        let_in(superuser, role)
        return replace(postgres_superuser, user=name, password=password)

    yield new
    for role in made:
        remove_role(superuser, role)


@pytest.fixture
def new_template(
    tenant_server: PostgresServer,
    postgres_admin: AdminLogin,
    new_tenant: Callable[..., TenantDatabase],
) -> NewTemplate:
    """Makes a template of what a job and an application did in it: sealed, its job ended."""

    def new(*by_job: str, by_login: str = "") -> Place:
        place = made(tenant_server, postgres_admin, new_tenant())
        place.job.run(*(one.replace("{name}", place.database.name) for one in by_job))
        if by_login:
            place.login.run(by_login)
        tenant_server.close_job_login(place.database, place.job.role, password=place.login.password)
        tenant_server.freeze(place.database)
        tenant_server.seal(place.database)
        return place

    return new


@pytest.fixture
def new_clone(new_tenant: Callable[..., TenantDatabase]) -> NewClone:
    """Gives names to what is to be cloned."""

    def new(template: Place) -> TenantDatabase:
        database = template.database
        origin = Template(
            name=database.name, owner_role=database.owner_role, login_role=database.login_role
        )
        return replace(new_tenant(beside=database), template=origin)

    return new

"""Fixtures of the Action: a scripted service, a runner's step, and real databases."""

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from app.core.databases import TenantDatabase
from app.core.environments import Environment
from app.core.identifiers import DatabaseName, RoleName
from app.core.instances import AdminLogin
from app.postgres.server import PostgresServer
from tests.integration.action.scripted import (
    Reply,
    ScriptedService,
    error_reply,
    run_path,
    run_reply,
    serving,
    verdict,
)
from tests.integration.action.step import Step

APP = "3ba03b"


@dataclass(frozen=True, kw_only=True)
class RealDatabase:
    """A database of the session's cluster, as the service would hand it out."""

    environment: str
    tenant: TenantDatabase
    password: str = field(repr=False)
    host: str
    port: int

    @property
    def url(self) -> str:
        login = f"{self.tenant.login_role}:{self.password}"
        address = f"{self.host}:{self.port}"
        return f"postgresql://{login}@{address}/{self.tenant.name}?sslmode=disable"

    @property
    def variables(self) -> dict[str, str]:
        return {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGDATABASE": self.tenant.name,
            "PGUSER": self.tenant.login_role,
            "PGPASSWORD": self.password,
            "PGSSLMODE": "disable",
            "DATABASE_URL": self.url,
            "COPPICE_ENVIRONMENT": self.environment,
            "COPPICE_DATABASE": self.tenant.name,
            "COPPICE_ROLE": self.tenant.inner_owner,
        }

    def go(self, **changes: Any) -> Reply:
        """The service's answer that hands this database out."""
        body = {
            "result": "go",
            "environment": self.environment,
            "database": self.tenant.name,
            "marker": self.tenant.marker,
            "variables": self.variables,
            "ca_certificate": None,
            "lease_seconds": 60,
            "outlives_run": False,
            "seed": False,
        }
        return Reply(body=body | changes)


NewDatabase = Callable[[str], RealDatabase]


@pytest.fixture
def new_database(
    tenant_server: PostgresServer,
    postgres_admin: AdminLogin,
) -> Iterator[NewDatabase]:
    """Makes the database of an environment; all of a test belong to one app."""
    made: list[TenantDatabase] = []
    app = uuid.uuid4().hex[:10]

    def new(environment: str) -> RealDatabase:
        name = f"{app}--feature" if environment == "branch" else f"{app}-{environment}"
        tenant = TenantDatabase(
            name=DatabaseName(name),
            owner_role=RoleName(f"{app}-o-{environment}"),
            login_role=RoleName(f"{app}-u-{environment}"),
            data_role=RoleName(f"{app}-d") if Environment(environment).shares_data_role else None,
            marker=uuid.uuid4().hex,
        )
        made.append(tenant)
        database = RealDatabase(
            environment=environment,
            tenant=tenant,
            password=uuid.uuid4().hex,
            host=postgres_admin.address.host,
            port=postgres_admin.address.port,
        )
        tenant_server.provision(tenant, password=database.password)
        return database

    yield new
    for tenant in made:
        tenant_server.drop(tenant)


@pytest.fixture
def service() -> Iterator[ScriptedService]:
    with serving() as service:
        yield service


@pytest.fixture
def step(tmp_path: Path, service: ScriptedService) -> Step:
    return Step(tmp_path, service)


@pytest.fixture
def branch(service: ScriptedService, new_database: NewDatabase) -> RealDatabase:
    """A run that reaches one real database, on which everything goes well."""
    database = new_database("branch")
    script_success(service, database)
    return database


def script_success(service: ScriptedService, *databases: RealDatabase, **changes: Any) -> None:
    """Script a run over these databases in which everything goes well."""
    names = {database.environment: str(database.tenant.name) for database in databases}
    service.on("/api/v1/runs", run_reply(names, **changes))
    for database in databases:
        environment = database.environment
        service.on(run_path(environment), database.go())
        service.on(run_path(environment, "/renew"), Reply(body={"lease_seconds": 60}))
        service.on(run_path(environment, "/result"), verdict())


__all__ = ["NewDatabase", "RealDatabase", "error_reply", "script_success"]

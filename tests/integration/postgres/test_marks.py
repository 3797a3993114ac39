"""A mark that an administrator removed is told as such by whatever needs it."""

from collections.abc import Callable

import pytest
from psycopg import sql

from app.core.errors import ProvisioningFailed
from app.core.identifiers import DatabaseName
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import Tenant, job_request

PASSWORD = "p" * 40

Path = Callable[[PostgresServer, Tenant], object]
PATHS: dict[str, Path] = {
    "need": lambda server, one: server.need(one.database, may_lack_mark=False),
    "issue": lambda server, one: server.issue(one.database, password=PASSWORD),
    "take_back": lambda server, one: server.reclaim(one.database, password=one.password),
    "end_sessions": lambda server, one: server.end_sessions(one.database, password=PASSWORD),
    "check_marker": lambda server, one: server.check_marker(
        one.database, role=one.role, password=one.password, address=one.admin.address
    ),
    "open_job_login": lambda server, one: server.open_job_login(
        one.database, job_request(one.database)
    ),
    "unseal": lambda server, one: server.unseal(one.database, password=PASSWORD),
    "rename": lambda server, one: server.rename(
        one.database, new_name=DatabaseName(f"{one.database.name}-aside")
    ),
    "limit_connections": lambda server, one: server.limit_connections(one.database),
}


def unmark(superuser: Session, tenant: Tenant) -> None:
    name = sql.Identifier(tenant.database.name)
    superuser.execute(sql.SQL("COMMENT ON DATABASE {} IS NULL").format(name))


@pytest.mark.parametrize("path", PATHS.values(), ids=PATHS.keys())
def test_a_missing_mark_is_told_as_such(
    tenant: Tenant, tenant_server: PostgresServer, superuser: Session, path: Path
) -> None:
    unmark(superuser, tenant)

    with pytest.raises(ProvisioningFailed) as caught:
        path(tenant_server, tenant)

    assert caught.value.code == "marker_missing"
    assert "Fix sets it again" in caught.value.advice


def test_what_shuts_people_out_waits_for_no_mark(
    tenant: Tenant, job: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    unmark(superuser, tenant)

    tenant_server.close_job_login(job.database, job.role)
    is_job_out = not job.can_connect()
    tenant_server.seal(tenant.database)

    assert is_job_out
    assert not tenant.can_connect()


def test_provisioning_sets_it_again(
    tenant: Tenant, tenant_server: PostgresServer, superuser: Session
) -> None:
    unmark(superuser, tenant)

    tenant_server.need(tenant.database, may_lack_mark=True)
    tenant_server.provision(tenant.database, password=tenant.password)

    tenant_server.need(tenant.database, may_lack_mark=False)

"""Workers killed at any statement of an operation: the next attempt ends right."""

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from functools import partial
from itertools import count

import pytest

from app.core.databases import TenantDatabase
from app.core.identifiers import DatabaseName, RoleName
from app.core.instances import AdminLogin
from app.postgres import trial
from app.postgres.passwords import new_password
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session
from tests.integration.postgres.conftest import NewAdmin, NewClone, NewTemplate, Tenant, job_request
from tests.integration.postgres.test_clones import NAMED

# Before a statement is after the one before it.
MOMENTS = ["during", "after"]


class DyingWorker:
    """Runs operations in a process that is killed at a statement."""

    def __init__(self, process: "subprocess.Popen[str]", admin: AdminLogin) -> None:
        self._process = process
        self._admin = admin

    def as_(self, admin: AdminLogin) -> "DyingWorker":
        """The same process, which logs in as somebody else."""
        return DyingWorker(self._process, admin)

    def dies(self, operation: str, tenant: Tenant, *, statement: int, moment: str) -> bool:
        """Start the operation; False if it ended before it came to that statement."""
        request = {
            "admin": {
                "host": self._admin.address.host,
                "port": self._admin.address.port,
                "user": self._admin.user,
                "password": self._admin.password,
            },
            "database": asdict(tenant.database),
            "password": tenant.password,
            "operation": operation,
            "statement": statement,
            "moment": moment,
        }
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps(request) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline().strip()
        assert answer in ("killed", "finished 0")
        return answer == "killed"


@pytest.fixture(scope="module")
def worker(postgres_admin: AdminLogin) -> Iterator[DyingWorker]:
    command = [sys.executable, "-m", "tests.integration.postgres.dying_worker"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        yield DyingWorker(process, postgres_admin)
        assert process.stdin
        process.stdin.close()


# Among all that a try sends: while it has roles, a database, a job's login, another name.
@pytest.mark.parametrize(("statement", "moment"), [(8, "after"), (24, "during"), (59, "after")])
def test_what_a_killed_try_left_is_swept_and_not_before_it_is_old(
    statement: int,
    moment: str,
    *,
    worker: DyingWorker,
    new_tenant: Callable[[], TenantDatabase],
    new_admin: NewAdmin,
    superuser: Session,
) -> None:
    admin = new_admin("CREATEDB CREATEROLE")  # others try on this server at the same time
    server = PostgresServer(admin)
    tenant = planned(new_tenant, admin)

    assert worker.as_(admin).dies("try_out", tenant, statement=statement, moment=moment)

    left = tries(superuser, admin)
    server.sweep_trials()
    assert left
    assert tries(superuser, admin) == left
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(trial, "_YOUNG_SECONDS", -1)
        give_up_at = time.monotonic() + 60
        # Its session ends with it, which PostgreSQL notices soon.
        while tries(superuser, admin) and time.monotonic() < give_up_at:
            server.sweep_trials()
    assert not tries(superuser, admin)


def tries(session: Session, admin: AdminLogin) -> set[str]:
    """All databases and roles of tries that this administrator made."""
    rows = session.execute(
        "SELECT datname::text FROM pg_database"
        " WHERE datname LIKE 'coppice-try-%%' AND pg_has_role(%(admin)s, datdba, 'MEMBER')"
        " UNION ALL SELECT rolname::text FROM pg_roles"
        " WHERE rolname LIKE 'coppice-try-%%' AND pg_has_role(%(admin)s, oid, 'MEMBER')",
        {"admin": admin.user},
    )
    return {name for (name,) in rows}


def planned(new_tenant: Callable[[], TenantDatabase], admin: AdminLogin) -> Tenant:
    database = new_tenant()
    return Tenant(admin=admin, database=database, role=database.login_role, password=new_password())


# The server is at work on what was sent: a clone takes it longest.
@pytest.mark.parametrize(("moment", "is_clone"), [("during", True), ("after", False)])
def test_provisioning_ends_right_and_lets_no_stranger_in(
    moment: str,
    *,
    is_clone: bool,
    worker: DyingWorker,
    tenant_server: PostgresServer,
    new_template: NewTemplate,
    new_tenant: Callable[[], TenantDatabase],
    new_clone: NewClone,
    superuser: Session,
) -> None:
    setting = 'ALTER ROLE CURRENT_USER IN DATABASE "{name}" SET search_path = app'
    template = is_clone and new_template("CREATE SCHEMA app; CREATE TABLE app.made ()", setting)
    for statement in count(1):
        tenant = planned(partial(new_clone, template) if template else new_tenant, worker._admin)
        if not worker.dies("provision", tenant, statement=statement, moment=moment):
            break

        assert not is_open_to_strangers(superuser, tenant.database.name)
        tenant_server.provision(tenant.database, password=tenant.password)
        tenant.run("DROP TABLE made" if template else "CREATE TABLE made ()")
        tenant_server.drop(tenant.database)
    assert statement > 15


def test_freezing_ends_with_nothing_left_to_a_login(
    worker: DyingWorker,
    tenant_server: PostgresServer,
    tenant: Tenant,
    superuser_in: Callable[[str], Session],
) -> None:
    inside = superuser_in(tenant.database.name)
    for statement in count(2, 4):
        tenant_server.provision(tenant.database, password=tenant.password)
        tenant.run(f"CREATE TABLE t{statement} (a int)")
        if not worker.dies("freeze", tenant, statement=statement, moment="after"):
            break

        tenant_server.freeze(tenant.database)
        assert inside.execute(NAMED, [[f'"{tenant.role}"']]).fetchall() == []
    assert statement > 15


@pytest.mark.parametrize("moment", MOMENTS)
def test_dropping_ends_with_nothing_left(
    moment: str,
    worker: DyingWorker,
    tenant_server: PostgresServer,
    new_provisioned: Callable[[], Tenant],
    superuser: Session,
) -> None:
    for statement in count(1):
        tenant = new_provisioned()
        tenant_server.open_job_login(tenant.database, job_request(tenant.database))
        if not worker.dies("drop", tenant, statement=statement, moment=moment):
            break

        tenant_server.drop(tenant.database)
        assert traces_of(superuser, tenant.database) == 0
    assert statement > 5


@pytest.mark.parametrize("moment", MOMENTS)
def test_sealing_and_unsealing_end_with_an_open_database(
    moment: str,
    worker: DyingWorker,
    tenant_server: PostgresServer,
    tenant: Tenant,
) -> None:
    for operation in ("seal", "unseal"):
        for statement in count(1):
            if not worker.dies(operation, tenant, statement=statement, moment=moment):
                break
            tenant_server.seal(tenant.database)
            assert not tenant.can_connect()
            tenant_server.unseal(tenant.database, password=tenant.password)
            assert tenant.can_connect()
            if operation == "unseal":
                tenant_server.seal(tenant.database)


@pytest.mark.parametrize("moment", MOMENTS)
def test_ending_a_job_ends_with_its_things_handed_over(
    moment: str,
    worker: DyingWorker,
    tenant_server: PostgresServer,
    tenant: Tenant,
) -> None:
    for statement in count(1):
        request = job_request(tenant.database)
        tenant_server.open_job_login(tenant.database, request)
        job = replace(tenant, role=request.role, password=request.password)
        job.run("SET ROLE none", f"CREATE TABLE t{statement} (a int)")
        if not worker.dies("close_job_login", tenant, statement=statement, moment=moment):
            break

        tenant_server.close_job_login(tenant.database, RoleName(job.role))
    owners = tenant.value(
        "SELECT count(DISTINCT tableowner) FROM pg_tables WHERE tablename ~ '^t[0-9]'"
    )
    assert owners == 1


def test_taking_a_login_back_ends_with_the_right_password_alone(
    worker: DyingWorker, tenant_server: PostgresServer, tenant: Tenant, superuser: Session
) -> None:
    thief = replace(tenant, password="planted")
    for statement in count(1, 3):
        superuser.execute(f'COMMENT ON ROLE "{tenant.role}" IS NULL'.encode())
        tenant_server.provision(tenant.database, password=tenant.password)
        tenant.run(f"ALTER ROLE \"{tenant.role}\" PASSWORD 'planted'")
        dies = worker.dies("take_back", tenant, statement=statement, moment="after")

        if dies:
            tenant_server.reclaim(tenant.database, password=tenant.password)

        assert not thief.can_connect()
        superuser.execute(f"COMMENT ON ROLE \"{tenant.role}\" IS 'coppice shut 0'".encode())
        tenant_server.reclaim(tenant.database, password=tenant.password)
        assert tenant.can_connect()
        if not dies:
            break
    assert statement > 10


def test_renaming_ends_under_the_new_name(
    worker: DyingWorker, tenant_server: PostgresServer, new_provisioned: Callable[[], Tenant]
) -> None:
    for statement in count(1):
        tenant = new_provisioned()
        tenant_server.seal(tenant.database)
        dies = worker.dies("rename", tenant, statement=statement, moment="after")
        new_name = DatabaseName(f"{tenant.database.name}--old")
        if dies:
            tenant_server.rename(tenant.database, new_name=new_name)

        assert tenant_server.database_names(prefix=tenant.database.name) == [new_name]
        tenant_server.drop(replace(tenant.database, name=new_name))
        if not dies:
            break


def is_open_to_strangers(superuser: Session, name: DatabaseName) -> bool:
    """Whether any login might connect: the window that provisioning must not have."""
    return bool(
        superuser.execute(
            "SELECT FROM pg_database WHERE datname = %s AND datallowconn"
            " AND (has_database_privilege('public', oid, 'CONNECT') OR EXISTS (SELECT FROM pg_roles"
            "   WHERE rolname LIKE %s AND has_database_privilege(rolname, datname, 'CONNECT')))",
            [name, f"{name.partition('-')[0]}-d-%"],
        ).rowcount
    )


def traces_of(superuser: Session, database: TenantDatabase) -> int:
    return superuser.execute(
        "SELECT FROM pg_roles WHERE starts_with(rolname::text, %s) OR rolname = ANY (%s)"
        " UNION ALL SELECT FROM pg_database WHERE datname = %s",
        [database.login_role, [database.owner_role, database.data_role], database.name],
    ).rowcount

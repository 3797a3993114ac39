"""What `instances link` and `test` try by doing, on a real server and with real roles."""

import traceback
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from psycopg import sql

from app.core import trials
from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.findings import Outcome, TriedStep
from app.core.instances import AdminLogin
from app.postgres import eviction
from app.postgres.passwords import new_password
from app.postgres.server import PostgresServer
from app.postgres.sessions import Session, admin_login, connect
from app.postgres.trial_findings import Step
from tests.integration.password_checks import built_hook, choosy_admin, configure
from tests.integration.postgres.conftest import NewAdmin, Tenant, job_request

_DONE = [(step.value, Outcome.DONE) for step in Step]


def outcomes(steps: list[TriedStep]) -> list[tuple[str, Outcome]]:
    return [(one.code, one.outcome) for one in steps]


def of_admin(session: Session, admin: AdminLogin) -> list[str]:
    """Databases and roles that are the role's, or that it is a member of."""
    rows = session.execute(
        "SELECT pg_get_userbyid(roleid)::text FROM pg_auth_members"
        " WHERE member = to_regrole(quote_ident(%(me)s))"
        " AND pg_get_userbyid(roleid) LIKE 'coppice-try-%%' UNION SELECT datname::text"
        " FROM pg_database WHERE pg_has_role(%(me)s, datdba, 'MEMBER')",
        {"me": admin.user},
    )
    return [name for (name,) in rows]


@pytest.fixture
def choosy(
    postgres_directory: Path, postgres_superuser: AdminLogin
) -> Iterator[Callable[..., AdminLogin]]:
    """Administrators in whose sessions the server refuses verifiers."""
    module = built_hook(postgres_directory)
    with ExitStack() as stack:

        def new(sqlstate: str, *, refuses_plain: bool = False) -> AdminLogin:
            return stack.enter_context(
                choosy_admin(postgres_superuser, module, sqlstate, refuses_plain=refuses_plain)
            )

        yield new


@pytest.fixture(autouse=True)
def in_haste(monkeypatch: pytest.MonkeyPatch) -> None:
    """What may be a rival's doing is tried again for seconds; there is none here."""
    monkeypatch.setattr(eviction, "_PATIENCE_SECONDS", 0.3)


def test_a_try_does_everything_and_leaves_nothing(new_admin: NewAdmin, superuser: Session) -> None:
    admin = new_admin("CREATEDB CREATEROLE")

    steps = PostgresServer(admin).try_out()

    assert outcomes(list(steps)) == _DONE
    assert of_admin(superuser, admin) == []


def test_each_ability_that_is_missing_is_named(new_admin: NewAdmin, superuser: Session) -> None:
    admin = new_admin("NOCREATEDB CREATEROLE")

    failed = {one.code: one for one in PostgresServer(admin).try_out()}

    assert failed["roles"].outcome is failed["password"].outcome is Outcome.DONE
    assert failed["database"].finding is not None
    assert "(SQLSTATE 42501)" in failed["database"].finding.message
    assert "CREATEDB" in failed["database"].finding.advice
    skipped = {code for code, one in failed.items() if one.outcome is Outcome.SKIPPED}
    assert skipped == {"rights", "schema", "login", "job", "job_end", "closing", "renaming"}
    assert of_admin(superuser, admin) == []


# As credcheck refuses them, and as Neon's control plane does.
@pytest.mark.parametrize("sqlstate", ["28000", "XX000", "0A000"])
def test_a_server_that_takes_no_verifiers_is_told_from_one_that_takes_no_passwords(
    choosy: Callable[..., AdminLogin], superuser: Session, sqlstate: str
) -> None:
    admin, hopeless = choosy(sqlstate), choosy(sqlstate, refuses_plain=True)

    tried = {one.code: one for one in PostgresServer(admin).try_out()}
    in_vain = {one.code: one for one in PostgresServer(hopeless).try_out()}
    in_plain = PostgresServer(admin, has_plain_passwords=True).try_out()

    refused, passwords = tried["password"].finding, in_vain["password"].finding
    assert refused is not None
    assert (refused.code, refused.is_fatal) == ("verifiers", True)
    assert f"(SQLSTATE {sqlstate})" in refused.message
    assert "--plain-passwords" in refused.advice
    assert tried["closing"].outcome is Outcome.DONE
    assert passwords is not None
    assert passwords.code == "try_password"
    assert outcomes(list(in_plain)) == _DONE
    assert of_admin(superuser, admin) == of_admin(superuser, hopeless) == []


def test_plain_passwords_that_are_not_needed_are_remarked_on(tenant_server: PostgresServer) -> None:
    server = PostgresServer(tenant_server._access.admin, has_plain_passwords=True)

    found = [one.finding.code for one in server.try_out() if one.finding]

    server.close()
    assert found == ["plain_not_needed"]


def test_a_plain_password_is_in_no_log_and_no_exception_of_ours(
    choosy: Callable[..., AdminLogin],
    new_tenant: Callable[[], TenantDatabase],
    superuser: Session,
    postgres_directory: Path,
) -> None:
    admin, database = choosy("28000"), new_tenant()
    password, refused = new_password(), new_password()
    server, request = PostgresServer(admin, has_plain_passwords=True), job_request(database)
    server.provision(database, password=password)
    server.open_job_login(database, request)
    server.close_job_login(database, request.role, password=password)
    tenant = Tenant(admin=admin, database=database, role=database.login_role, password=password)
    stored = verifier_of(superuser, database.login_role)
    assert tenant.can_connect()

    configure(superuser, admin, "hook.refuses_plain", "on")
    with pytest.raises(ProvisioningFailed, match="this password is not taken") as caught:
        PostgresServer(admin, has_plain_passwords=True).issue(database, password=refused)

    server.drop(database)
    said = "".join(traceback.format_exception(caught.value))
    log = (postgres_directory / "cluster" / "server.log").read_text(errors="replace")
    assert stored.startswith("SCRAM-SHA-256$")
    assert "ERROR:  this password is not taken" in log
    for secret in (password, refused, request.password):
        assert secret not in said + repr(vars(caught.value.__cause__))
        assert secret not in log


def verifier_of(session: Session, role: str) -> str:
    [(text,)] = session.execute("SELECT rolpassword FROM pg_authid WHERE rolname = %s", [role])
    return str(text)


# --- what is left --------------------------------------------------------------------------------


def test_only_what_a_dead_try_of_ours_left_is_swept(
    new_admin: NewAdmin, superuser: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    admin, other = new_admin("CREATEDB CREATEROLE"), new_admin("CREATEDB CREATEROLE")
    server, now = PostgresServer(admin), 1_000_000_000
    names = [trials.trial_name(began_at=now, token=f"{n:012x}") for n in range(4)]
    dead, alive, strangers, replaced = [trials.throw_away(name, fence=1) for name in names]
    for one in (dead, alive, replaced):
        server.provision(one, password=new_password())
    PostgresServer(other).provision(strangers, password=new_password())
    superuser.execute(
        sql.SQL("COMMENT ON DATABASE {} IS 'mine now'").format(sql.Identifier(replaced.name))
    )
    namesake = sql.Identifier(f"{trials.trial_name(began_at=now, token='0' * 11 + 'f')}-o")
    superuser.execute(sql.SQL("CREATE ROLE {}").format(namesake))

    with connect(admin_login(admin)) as session:
        session.execute(sql.SQL("SET application_name = {}").format(sql.Literal(alive.name)))
        swept = server.sweep_trials()

    assert list(swept) == [dead.name]
    there = exists(superuser, dead, alive, strangers, replaced)
    assert there == [False, True, True, True]
    assert superuser.execute(
        "SELECT FROM pg_roles WHERE rolname = %s", [namesake.as_string()[1:-1]]
    ).rowcount
    superuser.execute(sql.SQL("DROP ROLE {}").format(namesake))
    server.drop(alive)
    PostgresServer(other).drop(strangers)
    superuser.execute(
        sql.SQL("COMMENT ON DATABASE {} IS NULL").format(sql.Identifier(replaced.name))
    )
    assert list(server.sweep_trials()) == [replaced.name]


def exists(session: Session, *databases: TenantDatabase) -> list[bool]:
    rows = session.execute("SELECT datname::text FROM pg_database").fetchall()
    return [(one.name,) in rows for one in databases]

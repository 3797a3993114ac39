"""Logins for one job each, which act as the long-lived login of their database."""

from contextlib import suppress

from psycopg import errors
from psycopg.sql import Composed

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.identifiers import RoleName
from app.operations.ports.postgres import JobLoginRequest
from app.postgres import catalog, statements
from app.postgres.access import Access
from app.postgres.eviction import end_sessions, forbid_logins, overtaken_if_gone
from app.postgres.failures import explained
from app.postgres.fencing import fenced
from app.postgres.logins import check_marker, limit_temp_files
from app.postgres.passwords import scram_verifier
from app.postgres.sessions import Session

_LOCK_TIMEOUT = "30s"
_IDLE_IN_TRANSACTION_TIMEOUT = "5min"
# A deployed application may use what the job made; waiting longer would hold up its queries too.
_HAND_OVER_LOCK_TIMEOUT = "5s"


def open_job_login(access: Access, database: TenantDatabase, login: JobLoginRequest) -> None:
    """Make a login that acts as the long-lived one, or renew it if it is there."""
    with explained("Making the job's login"), access.session() as session:
        catalog.need_our_database(session, database)
        verifier = scram_verifier(login.password)
        with session.transaction():
            if _exists(session, database, login.role):
                statement = statements.alter_job_login(
                    login.role, verifier=verifier, valid_until=login.valid_until
                )
            else:
                statement = statements.create_job_login(
                    login.role,
                    member_of=database.login_role,
                    verifier=verifier,
                    valid_until=login.valid_until,
                )
            change = [statement, statements.reset_settings(login.role, database=database.name)]
            change += _job_settings(database, login)
            if catalog.may_limit_temp_files(session):
                change.append(limit_temp_files(login.role, database))
            session.execute(fenced(database, change))
    check_marker(
        access,
        database,
        role=login.role,
        password=login.password,
        address=access.admin.address,
    )


def close_job_login(access: Access, database: TenantDatabase, role: RoleName) -> None:
    """End the login; what it owns goes to the long-lived login, then the role is dropped.

    A role that something keeps from being dropped stays, unable to log in, until the database is
    unsealed or dropped: in a sealed database nothing can be handed over, and whoever has a database
    on the server can grant the role something there.
    """
    with (
        explained("Ending the job's login"),
        access.session() as session,
        overtaken_if_gone(session, [role]),
    ):
        if not _exists(session, database, role):
            return
        forbid_logins(session, [role], of=database)
        session.execute(fenced(database, [statements.act_for(role)]))
        end_sessions(session, [role], database=database.name)
        facts = catalog.read_our_database(session, database)
        is_open = facts is not None and facts.is_open and not facts.is_half_dropped
        if is_open:
            with access.inside(database.name) as inside:
                _hand_over(inside, role, to=database.login_role)
        # Left alone otherwise: no tenant may keep another's job from ending.
        with suppress(errors.DependentObjectsStillExist):
            session.execute(fenced(database, [statements.drop_role(role)]))


def _hand_over(session: Session, role: RoleName, *, to: RoleName) -> None:
    """Done as the job's role itself: it may do this, and nothing is done with more rights."""
    with session.transaction():
        session.execute(statements.set_locally("lock_timeout", _HAND_OVER_LOCK_TIMEOUT))
        session.execute(statements.set_role(role))
        # First the schemas: what is inside may only go to a role that may create there.
        rows = session.execute(
            "SELECT nspname::text FROM pg_namespace WHERE pg_get_userbyid(nspowner) = %s", [role]
        ).fetchall()
        gifts = [statements.give_schema(schema, to=to) for (schema,) in rows]
        session.execute(statements.together([*gifts, statements.hand_over(role, to=to)]))
        session.execute("RESET ROLE")


def _exists(session: Session, database: TenantDatabase, role: RoleName) -> bool:
    if not catalog.existing_roles(session, [role]):
        return False
    if role not in catalog.job_logins(session, database):
        raise ProvisioningFailed(
            f"Naming conflict: the server has a role {role} that Coppice did not make.",
            advice="Ask the server's administrator to rename it.",
            code="naming_conflict",
        )
    return True


def _job_settings(database: TenantDatabase, login: JobLoginRequest) -> list[Composed]:
    """What a job's sessions begin with. A job may change them: they are defaults, not limits.

    With `role` set, whatever the job makes belongs to the long-lived login.
    """
    settings = {
        "role": database.login_role,
        "statement_timeout": f"{login.statement_timeout_seconds}s",
        "lock_timeout": _LOCK_TIMEOUT,
        "idle_in_transaction_session_timeout": _IDLE_IN_TRANSACTION_TIMEOUT,
    }
    return [
        statements.set_for_role(login.role, database=database.name, name=name, value=value)
        for name, value in settings.items()
    ]


def close_leftovers(access: Access, database: TenantDatabase) -> None:
    """End the logins that could not be ended while the database was sealed."""
    with explained("Ending old logins"), access.session() as session:
        roles = catalog.job_logins(session, database)
    for role in sorted(roles):
        close_job_login(access, database, role)

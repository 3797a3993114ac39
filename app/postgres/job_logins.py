"""Logins for one job each, which act as who owns what is inside their database."""

from dataclasses import replace

from psycopg.sql import Composed

from app.core.databases import TenantDatabase
from app.core.errors import ProvisioningFailed
from app.core.identifiers import RoleName
from app.operations.ports.postgres import JobLoginRequest
from app.postgres import (
    allowances,
    catalog,
    data_roles,
    handing_over,
    role_settings,
    statements,
)
from app.postgres.access import Access
from app.postgres.eviction import alter_logins, overtaken_if_gone, shut_out
from app.postgres.fencing import fenced
from app.postgres.logins import check_marker, limit_temp_files
from app.postgres.passwords import given
from app.postgres.sessions import Session

_MOST_KEPT = 63 - len("-before")
"""PostgreSQL cuts longer names off: https://www.postgresql.org/docs/current/limits.html"""


def open_job_login(access: Access, database: TenantDatabase, login: JobLoginRequest) -> None:
    """Make a login that acts as who owns what is inside, or renew it if it is there."""
    with (
        access.session("Making the job's login") as session,
        given(
            session, login.role, login.password, in_plain=access.has_plain_passwords
        ) as set_password,
    ):
        catalog.need_our_database(session, database)
        allowed = allowances.allowance(session, database)
        is_new = not _exists(session, database, login.role)
        if is_new:
            _prepare(access, session, database, login.role)
        change = [
            *_make_or_renew(database, login, is_new=is_new),
            set_password,
            statements.limit_login(login.role, connections=allowed.connections.job),
            statements.reset_settings(login.role, database=database.name),
            *_job_settings(database, login),
        ]
        if allowed.may_limit_temp_files:
            change.append(limit_temp_files(login.role, database))
        given_settings = _given(session, database, login.role)
        note = role_settings.note_given(login.role, database)
        alter_logins(session, database, [*change, *given_settings, note])
    check_marker(access, database, role=login.role, password=login.password)


def shut_out_job(access: Access, database: TenantDatabase, role: RoleName) -> None:
    """End the login and its sessions: from then on the role can do nothing, whatever it owns."""
    with (
        access.session("Ending the job's login") as session,
        overtaken_if_gone(session, [role]),
    ):
        if _exists(session, database, role):
            # First, because no lock of the job's can delay it: it gets in nowhere of ours after it.
            disarm = statements.disarm(role, of_rights_of=database.login_role)
            session.execute(fenced(database, [disarm]))
            shut_out(session, database, [role])


def clear_away(access: Access, database: TenantDatabase, role: RoleName) -> str | None:
    """Hand over what a job's login owns and drop the role, as far as it goes.

    To be called once the role is shut out. Returns why something stays with it, for a person: it
    is tried again when the database is opened, set up again or dropped. In a closed database
    nothing can be handed over, and nothing is said.
    """
    with (
        access.session("Clearing up after the job") as session,
        overtaken_if_gone(session, [role]),
    ):
        if not _exists(session, database, role):
            return None
        problem = None
        facts = catalog.read_our_database(session, database)
        if facts is not None and facts.is_open and not facts.is_half_dropped:
            problem = handing_over.hand_over(access, session, database, role)
        handing_over.drop_role(session, database, role)
        return problem


def clear_leftovers(access: Access, database: TenantDatabase) -> None:
    """Try again to clear away what ended jobs left to their roles."""
    with access.session("Clearing up after old jobs") as session:
        roles = catalog.ended_job_logins(session, database)
    for role in sorted(roles):
        clear_away(access, database, role)


def close_leftovers(access: Access, database: TenantDatabase) -> None:
    """End the logins that could not be ended while the database was sealed."""
    with access.session("Ending old logins") as session:
        roles = catalog.job_logins(session, database)
    for role in sorted(roles):
        shut_out_job(access, database, role)
        clear_away(access, database, role)


def _prepare(access: Access, session: Session, database: TenantDatabase, role: RoleName) -> None:
    """Before a job begins: let it alter what an application made, and find nobody's settings.

    An application's session acts as the long-lived login, a job's as the data role.
    """
    around = data_roles.look_around(session, database, job=role)
    if around is None:
        return
    if around.is_owned_by_login:
        handing_over.take_from_login(access, database)
    if around.is_set:
        here, everywhere = not around.has_others_here, not around.has_others
        data_roles.forget(session, database, here=here, everywhere=everywhere)


def _make_or_renew(
    database: TenantDatabase, login: JobLoginRequest, *, is_new: bool
) -> list[Composed]:
    if is_new:
        make = statements.create_job_login(
            login.role,
            member_of=database.login_role,
            valid_until=login.valid_until,
        )
        return [make]
    renew = statements.alter_job_login(login.role, valid_until=login.valid_until)
    return [renew, statements.arm(login.role, with_rights_of=database.login_role)]


def _exists(session: Session, database: TenantDatabase, role: RoleName) -> bool:
    if not catalog.existing_roles(session, [role]):
        return False
    if role not in catalog.job_logins(session, database):
        raise ProvisioningFailed(
            f"Naming conflict: the server has a role {role} that Coppice did not make.",
            advice="Rename it, as a superuser of the server:"
            f' ALTER ROLE "{role}" RENAME TO "{role[:_MOST_KEPT]}-before";',
            code="naming_conflict",
        )
    return True


def _given(session: Session, database: TenantDatabase, role: RoleName) -> list[Composed]:
    """What the long-lived login has of a tenant's settings, for a job's sessions."""
    found = role_settings.in_effect(role_settings.read(session, database.login_role, database))
    return [role_settings.give(role, database, replace(one, is_in_database=True)) for one in found]


def _job_settings(database: TenantDatabase, login: JobLoginRequest) -> list[Composed]:
    """What a job's sessions begin with. A job may change them: they are defaults, not limits.

    With `role` set, whatever the job makes belongs to who owns what is inside. No timeout unless
    the assignment has one: a run is ended by its time limit and its lease. An earlier one of ours
    killed CREATE INDEX CONCURRENTLY, which waits for others' transactions, and slow migrations.
    """
    settings = {**login.settings, "role": database.inner_owner}
    return [
        statements.set_for_role(login.role, database=database.name, name=name, value=value)
        for name, value in settings.items()
    ]

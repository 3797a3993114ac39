"""Logins for jobs: made for one run and one database, and ended with it."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from urllib.parse import quote, urlencode

from app.core import names
from app.core.databases import Database, DatabaseState
from app.core.errors import CoppiceError, NotFound
from app.core.hosts import NotHere
from app.core.identifiers import DatabaseId, RoleName
from app.core.instances import Address, Instance
from app.core.intents import EndLogin
from app.core.runs import CredentialKind, JobLogin, Run
from app.operations.databases.provisioning import password_of, server_of, tenant_of
from app.operations.databases.standing import losses_noted
from app.operations.ports.postgres import JobLoginRequest
from app.operations.runs import pooling
from app.operations.runs.refusals import not_yet
from app.operations.services import Services
from app.store.store import Store

_log = logging.getLogger(__name__)

# Tools connect once more after the command's last statement, and clocks differ.
MARGIN = timedelta(minutes=2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Credentials:
    """How a job reaches its database."""

    database: Database
    instance: Instance
    user: RoleName
    password: str = field(repr=False)
    is_pooled: bool
    """The instance's pooler, if it has one, knows this login and leads to the same database."""
    outlives_run: bool
    pooler_problem: str | None = None
    """Why the pooler is left out although the login would be known there, for a person."""
    accelerate_url: str | None = field(default=None, repr=False)
    """Lasts as long as its key does, so it goes with the long-lived login only."""


def issue(services: Services, run: Run, database: Database) -> Credentials:
    """Make the job login of a run, checked against the marker; a repeat gets the same.

    Raises ServerUnreachable, or ProvisioningFailed when PostgreSQL is not what it should be.
    """
    # Logins are made, ended and given passwords one at a time: what was read before another
    # replaced the password would bring the old one back.
    with services.store.databases.exclusively(database.id) as held:
        need_unchanged(held, database)
        with losses_noted(services, held):
            login = _open_job_login(services, run, held)
    password = services.store.job_logins.password(login.id)
    problem = pooling.problem_of(services, held, user=login.role, password=password, is_job=True)
    return of_job(services, held, login, pooler_problem=problem)


def variables(credentials: Credentials) -> dict[str, str]:
    """The environment variables for the migration command, and for an application."""
    database, address = credentials.database, credentials.instance.public_address
    found = {
        "PGHOST": address.host,
        "PGPORT": str(address.port),
        "PGDATABASE": database.name,
        "PGUSER": credentials.user,
        "PGPASSWORD": credentials.password,
        "PGSSLMODE": address.sslmode.value,
        "DATABASE_URL": _url(credentials, address),
        "COPPICE_ENVIRONMENT": database.environment.value,
        "COPPICE_DATABASE": database.name,
        # Who owns what is inside; a job's login acts as it, and can own nothing for long.
        "COPPICE_ROLE": database.inner_owner,
    }
    pooler = credentials.instance.pooler_address
    if credentials.is_pooled and pooler:
        found["DATABASE_URL_POOLED"] = _url(credentials, pooler)
    if credentials.accelerate_url is not None:
        found["PRISMA_ACCELERATE_URL"] = credentials.accelerate_url
    return found


def outlives_run(run: Run, database: Database) -> bool:
    """Whether later steps of the job use the login: then GitHub's word or the clock ends it."""
    is_exported = run.export_env and database.environment is run.primary
    return is_exported or not run.migrates


def valid_until(run: Run, database: Database, *, now: datetime) -> datetime:
    """When the login ends at the latest; a migration that runs then keeps it until its end."""
    if outlives_run(run, database):
        return now + timedelta(minutes=run.credentials_minutes)
    return now + timedelta(minutes=run.minutes_per_database) + MARGIN


def close(services: Services, login: JobLogin) -> None:
    """End a job login and its sessions; what it made stays. Repeating does nothing more.

    What cannot be handed over does not keep it from ending: nobody can be inside any more. Settings
    that are not kept are written down with the run's migration.
    """
    with services.store.databases.exclusively(login.database_id) as database:
        if database.state is not DatabaseState.GONE:
            with losses_noted(services, database, is_raised=False):
                if not _is_settled(services, database, login):
                    # What is due is ended again and again, until it has ended.
                    services.store.job_logins.is_over(login.id)
                    return
        # Not later: the run may ask again, and is to get another login than this one.
        services.store.job_logins.ended(login.id)


def _is_settled(services: Services, database: Database, login: JobLogin) -> bool:
    is_ready = database.state is DatabaseState.READY
    end = server_of(services, database).close_job_login(
        tenant_of(services.store, database),
        login.role,
        password=password_of(services, database) if is_ready else None,
    )
    if end.settings:
        services.store.migrations.took_back(login.run_id, database.id, end.settings)
    if end.left is not None:
        _log.warning("%s keeps what could not be handed over: %s", login.role, end.left)
    return end.is_settled


def close_all(services: Services, logins: Sequence[JobLogin]) -> None:
    """End each of them, or have it ended on another machine; one failure holds up no other.

    Raises the first error when all were tried.
    """
    failures: list[CoppiceError] = []
    for login in logins:
        try:
            close(services, login)
        except NotFound:
            continue  # its database went with its instance
        except NotHere as error:
            end = EndLogin(database_id=login.database_id, login_id=login.id)
            services.store.queue.add([end])
            failures.append(error)
        except CoppiceError as error:
            failures.append(error)
    if failures:
        raise failures[0]


def end_runtime_sessions(services: Services, run: Run, database_id: DatabaseId) -> None:
    """End the sessions of a run that had the long-lived login; does nothing for other runs.

    Those of deployed applications end with them, and connect again: nobody can tell them apart.
    """
    if run.credentials is not CredentialKind.RUNTIME:
        return
    with services.store.databases.exclusively(database_id) as database:
        if database.state is DatabaseState.READY:
            with losses_noted(services, database, is_raised=False):
                server_of(services, database).end_sessions(
                    tenant_of(services.store, database), password=password_of(services, database)
                )


def need_unchanged(held: Database, database: Database) -> None:
    """For the holder of its lock: raise Refused unless it is as it was, and ready."""
    if (held.state, held.generation) != (DatabaseState.READY, database.generation):
        raise not_yet("changed", f"{database.name} was changed at this moment.")


def of_job(
    services: Services, database: Database, login: JobLogin, *, pooler_problem: str | None
) -> Credentials:
    instance = services.instance_of(database)
    return Credentials(
        database=database,
        instance=instance,
        user=login.role,
        password=services.store.job_logins.password(login.id),
        is_pooled=instance.pooler_knows_job_logins and pooler_problem is None,
        outlives_run=login.outlives_run,
        pooler_problem=pooler_problem,
    )


def _open_job_login(services: Services, run: Run, database: Database) -> JobLogin:
    login = services.store.job_logins.open(
        JobLogin(
            run_id=run.id,
            database_id=database.id,
            role=names.job_role(database.app_id, services.new_token()),
            valid_until=valid_until(run, database, now=services.clock()),
            outlives_run=outlives_run(run, database),
        ),
        password=services.new_secret(),
    )
    server_of(services, database).open_job_login(
        tenant_of(services.store, database),
        JobLoginRequest(
            role=login.role,
            password=services.store.job_logins.password(login.id),
            valid_until=login.valid_until + _migration_beyond(run, login),
            settings=_settings(services.store, database),
        ),
    )
    return login


def _settings(store: Store, database: Database) -> Mapping[str, str]:
    """What the rules of its app's assignment give; none where that has been removed meanwhile."""
    assignment = store.apps.assignment(database.app_id)
    if assignment is None:
        return {}
    rules = assignment.policies
    ruled = {"lock_timeout": rules.lock_timeout}
    return {name: value for name, value in ruled.items() if value}


def _migration_beyond(run: Run, login: JobLogin) -> timedelta:
    """How much longer than an exported login a migration may take: it must not lose its login."""
    if not (run.migrates and login.outlives_run):
        return timedelta(0)
    beyond = timedelta(minutes=run.minutes_per_database - run.credentials_minutes) + MARGIN
    return max(beyond, timedelta(0))


def _url(credentials: Credentials, address: Address) -> str:
    """A libpq URL; every part is percent-encoded, IPv6 addresses stand in brackets."""
    host = f"[{address.host}]" if ":" in address.host else quote(address.host, safe="")
    user, password = quote(credentials.user, safe=""), quote(credentials.password, safe="")
    name = quote(credentials.database.name, safe="")
    options = urlencode({"sslmode": address.sslmode.value})
    return f"postgresql://{user}:{password}@{host}:{address.port}/{name}?{options}"

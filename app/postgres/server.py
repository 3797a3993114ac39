"""A server for tenants' databases, administered by a role with CREATEDB and CREATEROLE."""

import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from app.core.databases import TenantDatabase
from app.core.extensions import Available
from app.core.findings import ServerReport, TriedStep
from app.core.identifiers import DatabaseName, RoleName
from app.core.instances import Address, AdminLogin
from app.core.standing import Standing
from app.operations.ports.postgres import DatabaseSize, JobEnd, JobLoginRequest
from app.postgres import (
    allowances,
    catalog,
    dropping,
    extensions,
    freezing,
    job_logins,
    logins,
    provisioning,
    reclaiming,
    sealing,
    trial,
)
from app.postgres.access import Access
from app.postgres.failures import Overtaken
from app.postgres.probe import probe
from app.postgres.reclaiming import TakenBack

_PAUSES_SECONDS = (0.02, 0.05, 0.1, 0.2, 0.4)

Step = Callable[[], object]
Result = TypeVar("Result")


class PostgresServer:
    """Implements `DatabaseServer`; see there for what each method promises.

    Keeps up to two idle sessions; make one for each server and share it between threads.
    """

    def __init__(self, admin: AdminLogin, *, has_plain_passwords: bool = False) -> None:
        self._access = Access(admin, has_plain_passwords=has_plain_passwords)

    def close(self) -> None:
        """Close the idle sessions; the object stays usable."""
        self._access.close()

    def probe(self) -> ServerReport:
        return probe(self._access.admin)

    def try_out(self) -> Sequence[TriedStep]:
        return trial.try_out(self._access, self._run_step)

    def sweep_trials(self) -> Sequence[str]:
        return trial.sweep(self._access, self._run_step)

    def extensions(self) -> Sequence[Available]:
        with self._access.session("Listing extensions") as session:
            return extensions.available(session)

    def provision(self, database: TenantDatabase, *, password: str) -> None:
        access = self._access
        self._run(lambda: provisioning.make_roles(access, database))
        with ThreadPoolExecutor(max_workers=1) as meanwhile:
            # Costs milliseconds, and PostgreSQL will be busy copying files for longer. The login
            # is of no use to anybody until it is issued.
            is_set = meanwhile.submit(self._set_password, database, password)
            self._run(
                lambda: provisioning.make_database(access, database),
                is_set.result,
                lambda: provisioning.open_database(access, database),
                lambda: provisioning.set_up_schema(access, database),
                lambda: job_logins.clear_leftovers(access, database),
                lambda: logins.issue(access, database, password=password),
            )

    def issue(self, database: TenantDatabase, *, password: str) -> None:
        access = self._access
        self._run(
            lambda: sealing.need_ours(access, database),
            lambda: self._set_password(database, password),
            lambda: logins.issue(access, database, password=password),
        )

    def end_sessions(self, database: TenantDatabase, *, password: str) -> None:
        self._run(lambda: logins.renew(self._access, database, password=password))

    def check_marker(
        self, database: TenantDatabase, *, role: RoleName, password: str, address: Address
    ) -> None:
        logins.check_marker(self._access, database, role=role, password=password, address=address)

    def open_job_login(self, database: TenantDatabase, login: JobLoginRequest) -> None:
        self._run(lambda: job_logins.open_job_login(self._access, database, login))

    def close_job_login(
        self, database: TenantDatabase, role: RoleName, *, password: str | None = None
    ) -> JobEnd:
        access = self._access
        self._run(lambda: job_logins.shut_out_job(access, database, role))
        taken = TakenBack(is_over=True)
        if password is not None:
            taken = self.reclaim(database, password=password, job=role)
        left = self._run_step(lambda: job_logins.clear_away(access, database, role))
        return JobEnd(left=left, is_settled=taken.is_over, settings=taken.settings)

    def reclaim(
        self, database: TenantDatabase, *, password: str, job: RoleName | None = None
    ) -> TakenBack:
        access = self._access
        return self._run_step(
            lambda: reclaiming.reclaim(access, database, password=password, job=job)
        )

    def seal(self, database: TenantDatabase) -> None:
        self._run(lambda: sealing.seal(self._access, database))

    def unseal(self, database: TenantDatabase, *, password: str) -> None:
        access = self._access
        self._run(
            lambda: sealing.need_ours(access, database),
            lambda: provisioning.open_database(access, database),
            lambda: provisioning.set_up_schema(access, database),
            lambda: job_logins.close_leftovers(access, database),
            lambda: self._set_password(database, password),
            lambda: logins.issue(access, database, password=password),
        )

    def freeze(self, database: TenantDatabase, *, within_seconds: float = 100) -> None:
        access = self._access
        self._run(
            lambda: sealing.need_ours(access, database),
            lambda: freezing.shut_out_logins(access, database),
            # It may be sealed already, and nobody but the service can come in.
            lambda: provisioning.open_database(access, database),
            lambda: job_logins.close_leftovers(access, database),
            lambda: freezing.take_all(access, database),
            lambda: freezing.freeze(access, database, within_seconds=within_seconds),
        )

    def rename(self, database: TenantDatabase, *, new_name: DatabaseName) -> None:
        self._run(lambda: sealing.rename(self._access, database, new_name=new_name))

    def clear(self, database: TenantDatabase) -> None:
        self._run(lambda: dropping.drop_database(self._access, database))

    def drop(self, database: TenantDatabase) -> None:
        self._run(
            lambda: dropping.drop_database(self._access, database),
            lambda: dropping.drop_roles(self._access, database),
        )

    def limit_connections(self, database: TenantDatabase) -> None:
        access = self._access
        self._run(
            lambda: sealing.need_ours(access, database),
            lambda: provisioning.limit_connections(access, database),
        )

    def with_other_limits(self, databases: Sequence[TenantDatabase]) -> Sequence[DatabaseName]:
        with self._access.session("Looking at its limits") as session:
            return allowances.with_other_limits(session, databases)

    def sizes(self, *, only: Sequence[DatabaseName] | None = None) -> Sequence[DatabaseSize]:
        with self._access.session("Measuring databases") as session:
            return catalog.database_sizes(session, only=only)

    def standing(
        self, roles: Sequence[RoleName], *, only: Sequence[DatabaseName] | None = None
    ) -> Standing:
        with self._access.session("Looking at its catalog") as session:
            return catalog.standing(session, roles, only=only)

    def need(self, database: TenantDatabase, *, may_lack_mark: bool) -> None:
        access = self._access
        self._run(lambda: sealing.need_ours(access, database, may_lack_mark=may_lack_mark))

    def database_names(self, *, prefix: str) -> Sequence[DatabaseName]:
        with self._access.session("Listing databases") as session:
            return catalog.database_names(session, prefix=prefix)

    def _set_password(self, database: TenantDatabase, password: str) -> None:
        self._run(lambda: logins.set_password(self._access, database, password=password))

    def _run(self, *steps: Step) -> None:
        for step in steps:
            self._run_step(step)

    def _run_step(self, step: Callable[[], Result]) -> Result:
        """Run a step, again if somebody else was doing the same at the same moment."""
        for pause_seconds in _PAUSES_SECONDS:
            try:
                return step()
            except Overtaken:
                time.sleep(pause_seconds)
        return step()

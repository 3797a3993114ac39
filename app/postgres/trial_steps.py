"""The steps of a try: each does with a throw-away database what is done with all others."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta

from app.core import trials
from app.core.databases import TenantDatabase
from app.core.errors import CoppiceError
from app.core.findings import Finding
from app.operations.ports.postgres import JobLoginRequest
from app.postgres import (
    dropping,
    job_logins,
    logins,
    provisioning,
    reclaiming,
    sealing,
)
from app.postgres.access import Access
from app.postgres.passwords import new_password
from app.postgres.trial_findings import (
    Step,
    VerifiersRefused,
    is_refusal,
    needless_plain_passwords,
)

_JOB_SECONDS = 600

Run = Callable[[Callable[[], object]], object]
"""Runs a piece of work, again if somebody else was doing the same at the same moment."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A try under way."""

    access: Access
    database: TenantDatabase
    password: str
    run: Run


def make_roles(trial: Trial) -> None:
    trial.run(lambda: provisioning.make_roles(trial.access, trial.database))


def give_password(trial: Trial) -> Finding | None:
    """As a verifier; where that is refused, in plain: one that is used nowhere.

    So both answers are known, and nobody has to guess from the words of the first.
    """
    try:
        _set_password(trial, in_plain=False)
    except CoppiceError as refusal:
        if not is_refusal(refusal):
            raise
        _set_password(trial, in_plain=True)
        if not trial.access.has_plain_passwords:
            raise VerifiersRefused(str(refusal)) from refusal.__cause__
        return None
    return needless_plain_passwords() if trial.access.has_plain_passwords else None


def _set_password(trial: Trial, *, in_plain: bool) -> None:
    access = Access(trial.access.admin, has_plain_passwords=in_plain)
    try:
        trial.run(lambda: logins.set_password(access, trial.database, password=new_password()))
    finally:
        access.close()


def make_database(trial: Trial) -> None:
    trial.run(lambda: provisioning.make_database(trial.access, trial.database))


def give_rights(trial: Trial) -> None:
    trial.run(lambda: provisioning.open_database(trial.access, trial.database))


def set_up_schema(trial: Trial) -> None:
    trial.run(lambda: provisioning.set_up_schema(trial.access, trial.database))


def let_in(trial: Trial) -> None:
    access, database, password = trial.access, trial.database, trial.password
    trial.run(lambda: logins.set_password(access, database, password=password))
    trial.run(lambda: logins.issue(access, database, password=password))


def begin_job(trial: Trial) -> None:
    request = JobLoginRequest(
        role=trials.job_role(trial.database.name),
        password=new_password(),
        valid_until=datetime.now(UTC) + timedelta(seconds=_JOB_SECONDS),
    )
    trial.run(lambda: job_logins.open_job_login(trial.access, trial.database, request))


def end_job(trial: Trial) -> None:
    access, database, password = trial.access, trial.database, trial.password
    role = trials.job_role(database.name)
    trial.run(lambda: job_logins.shut_out_job(access, database, role))
    trial.run(lambda: reclaiming.reclaim(access, database, password=password))
    trial.run(lambda: job_logins.clear_away(access, database, role))


def close(trial: Trial) -> None:
    trial.run(lambda: sealing.seal(trial.access, trial.database))


def rename(trial: Trial) -> None:
    name = trials.renamed(trial.database.name)
    trial.run(lambda: sealing.rename(trial.access, trial.database, new_name=name))


def drop(trial: Trial) -> None:
    """Under both of its names; what is not there is no fault."""
    names = (trial.database.name, trials.renamed(trial.database.name))
    for one in [replace(trial.database, name=name) for name in names]:
        trial.run(lambda one=one: dropping.drop_database(trial.access, one))  # type: ignore[misc]
    trial.run(lambda: dropping.drop_roles(trial.access, trial.database))


ACTS: dict[Step, Callable[[Trial], Finding | None]] = {
    Step.ROLES: make_roles,
    Step.PASSWORD: give_password,
    Step.DATABASE: make_database,
    Step.RIGHTS: give_rights,
    Step.SCHEMA: set_up_schema,
    Step.LOGIN: let_in,
    Step.JOB: begin_job,
    Step.JOB_END: end_job,
    Step.CLOSING: close,
    Step.RENAMING: rename,
    Step.DROPPING: drop,
}

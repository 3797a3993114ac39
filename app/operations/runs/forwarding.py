"""Logins whose server stands on another machine: that makes them, and says when it has."""

from collections.abc import Mapping

from app.core.databases import Database
from app.core.errors import CoppiceError, ProvisioningFailed, TransientError
from app.core.hosts import NotHere, OnAnotherHost, where
from app.core.identifiers import DatabaseId, RunId
from app.core.instances import Instance
from app.core.intents import OpenLogin
from app.core.runs import CredentialKind, LoginAnswer, Run
from app.operations.databases import elsewhere
from app.operations.runs import credentials, long_lived
from app.operations.runs.credentials import Credentials
from app.operations.runs.refusals import Refused, not_yet
from app.operations.services import Services
from app.store.store import Store


def issue(services: Services, run: Run, database: Database) -> Credentials:
    """The login of a run, as `credentials.issue`; asking again gives the same.

    Raises Refused (409, `on_another_host`) until the machine of the server has made it.
    """
    instance = services.store.instances.get(database.instance_id)
    if services.store.hosts.is_here(instance):
        return _issue_here(services, run, database)
    answer = _asked(services.store, instance, database, run.id)
    made = None
    if answer is not None:
        made = _made(services, run, database, pooler_problem=answer.pooler_problem)
    if made is None:
        place = where(instance, services.store.hosts.of(instance))
        raise not_yet("on_another_host", f"{place} The login is made there.")
    return made


def issue_long_lived(services: Services, database: Database) -> Credentials:
    """The long-lived login for a person, who waits for it.

    Raises OnAnotherHost when the machine of the server is silent, StillBusy when it takes long.
    """
    instance = services.store.instances.get(database.instance_id)
    if services.store.hosts.is_here(instance):
        return long_lived.issue(services, database)
    elsewhere.need_alive(services.store, instance)
    answers: list[LoginAnswer] = []

    def is_answered() -> bool:
        answer = _asked(services.store, instance, database, None)
        answers.extend([answer] if answer else [])
        return bool(answers)

    made = None
    if elsewhere.wait_until(is_answered, doing=f"Making the login of {database.name}"):
        made = _made_long_lived(services, database, pooler_problem=answers[0].pooler_problem)
    if made is None:
        raise OnAnotherHost(instance, services.store.hosts.of(instance))
    return made


def open_login(services: Services, database_id: DatabaseId, run_id: RunId | None) -> None:
    """Make what was asked for on another machine, unless nobody waits for it any more.

    Whatever keeps it from being made is the answer. Raises NotHere on the wrong machine.
    """
    if not services.store.login_requests.is_wanted(database_id, run_id):
        return
    database = services.store.databases.get(database_id)
    try:
        if run_id is None:
            made = long_lived.issue(services, database)
        else:
            made = _issue_here(services, services.store.runs.get(run_id), database)
        answer = LoginAnswer(pooler_problem=made.pooler_problem)
    except NotHere:
        raise
    except CoppiceError as error:
        answer = LoginAnswer(error=_told(error))
    services.store.login_requests.answer(database_id, run_id, answer)


def _issue_here(services: Services, run: Run, database: Database) -> Credentials:
    if run.credentials is CredentialKind.RUNTIME:
        return long_lived.issue(services, database)
    return credentials.issue(services, run, database)


def _asked(
    store: Store, instance: Instance, database: Database, run_id: RunId | None
) -> LoginAnswer | None:
    """What the machine of the server says; None: not yet. Raises what it was refused with."""
    answer = store.login_requests.take(database, run_id)
    if answer is None:
        store.login_requests.ask(
            database, run_id, then=[OpenLogin(database_id=database.id, run_id=run_id)]
        )
    elif answer.error:
        raise _error(answer.error)
    return answer


def _made(
    services: Services, run: Run, database: Database, *, pooler_problem: str | None
) -> Credentials | None:
    """The login of a run that another machine has made; None: it has ended since."""
    if run.credentials is CredentialKind.RUNTIME:
        return _made_long_lived(services, database, pooler_problem=pooler_problem)
    for login in services.store.job_logins.of_database(database.id):
        if login.run_id == run.id:
            return credentials.of_job(services, database, login, pooler_problem=pooler_problem)
    return None


def _made_long_lived(
    services: Services, database: Database, *, pooler_problem: str | None
) -> Credentials | None:
    """The long-lived login, which another machine has made good; None: it never was made."""
    password = services.store.databases.password(database.id)
    if password is None:
        return None
    return long_lived.credentials_of(services, database, password, pooler_problem=pooler_problem)


def _told(error: CoppiceError) -> dict[str, str]:
    kinds = {Refused: "refused", ProvisioningFailed: "failed", TransientError: "transient"}
    kind = next((word for each, word in kinds.items() if isinstance(error, each)), "failed")
    return {"kind": kind, "code": error.code, "message": str(error), "advice": error.advice}


def _error(told: Mapping[str, str]) -> CoppiceError:
    message, advice, code = told["message"], told["advice"], told["code"]
    match told["kind"]:
        case "refused":
            return not_yet(code, message)
        case "transient":
            return TransientError(message, advice=advice, code=code)
    return ProvisioningFailed(message, advice=advice, code=code)

"""The API of the Action: a run, its databases, their leases and results."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import current_app, request
from flask_openapi3.models.tag import Tag

from app.core.environments import Environment
from app.core.errors import Unauthorized
from app.core.identifiers import RunId
from app.core.people import Actor
from app.core.reasons import Unreached
from app.core.runs import RunRequest
from app.operations.runs import beginning as runs
from app.operations.runs import changes, results, scheduling
from app.operations.runs.scheduling import Granted
from app.operations.services import Services
from app.web.api.run_models import (
    ChangesAnswer,
    DatabaseAnswer,
    DatabaseGiven,
    DatabasePassed,
    LeaseAnswer,
    OfRun,
    ReportResult,
    ResultAnswer,
    RunAnswer,
    RunSkipped,
    RunStarted,
    StartRun,
    ThisRun,
)
from app.web.api.shapes import ERRORS, JOB, Nothing, Part

_JOB = Actor(name="job")

api = Part(
    "runs",
    __name__,
    url_prefix="/api/v1/runs",
    abp_tags=[Tag(name="runs", description="For the Action, with the OIDC token of its job")],
    abp_security=JOB,
    abp_responses=ERRORS,
)


@api.post("", responses={200: RunAnswer})
def start(body: StartRun) -> dict[str, Any]:
    """Start a run."""
    services = _services()
    with _one_of_few(services) as token:
        answer = runs.begin(services, token, body.read(RunRequest))
    if isinstance(answer, Unreached):
        skipped = RunSkipped(reason=answer.code, message=answer.message, advice=answer.advice)
        return skipped.model_dump()
    return RunStarted.of(answer, dashboard=services.public_url).model_dump()


@api.post("/<int:run>/databases/<environment>", responses={200: DatabaseAnswer})
def ask(path: OfRun, body: Nothing) -> dict[str, Any]:
    """Ask for one database of the run; 409 means to ask again."""
    environment = Environment(path.environment)
    answer = scheduling.ask(_services(), job_token(), RunId(path.run), environment)
    if isinstance(answer, Granted):
        return DatabaseGiven.of(answer).model_dump()
    return DatabasePassed.of(answer, environment=environment).model_dump()


@api.post("/<int:run>/databases/<environment>/renew", responses={200: LeaseAnswer})
def renew(path: OfRun, body: Nothing) -> dict[str, Any]:
    """Hold the database for some time more."""
    seconds = results.renew(
        _services(), job_token(), RunId(path.run), Environment(path.environment)
    )
    return LeaseAnswer(lease_seconds=seconds).model_dump()


@api.post("/<int:run>/changes", responses={200: ChangesAnswer})
def changed_files(path: ThisRun, body: Nothing) -> dict[str, Any]:
    """Tell which files the run's commit changed, in which a trace's statements may stand."""
    services = _services()
    with _one_of_few(services) as token:
        changed = changes.changed_files(services, token, RunId(path.run))
    return ChangesAnswer.of(changed).model_dump()


@api.post("/<int:run>/databases/<environment>/result", responses={200: ResultAnswer})
def report(path: OfRun, body: ReportResult) -> dict[str, Any]:
    """Report how the migration ended; repeating it gives the same answer."""
    services, environment = _services(), Environment(path.environment)
    with _one_of_few(services) as token:
        verdict = results.report(services, token, RunId(path.run), environment, body.to_report())
    return ResultAnswer.of(verdict).model_dump()


def _services() -> Services:
    """For a job, whose token has yet to be verified, at its runner's address."""
    services: Services = current_app.extensions["services"]
    return services.acting_as(_JOB, source=request.remote_addr or "")


@contextmanager
def _one_of_few(services: Services) -> Iterator[str]:
    """The token that the job sent, while no other request of the job crowds the service.

    Raises Unauthorized; TooManyAtOnce, after which the Action asks again.
    """
    token = job_token()
    with runs.place_of_job(services, services.tokens.verify(token)):
        yield token


def job_token() -> str:
    """The token that the job sent. Raises Unauthorized when there is none."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise Unauthorized(
            "The request carries no token.",
            advice="Give the job `permissions: id-token: write`, and let the Action ask.",
        )
    return token.strip()

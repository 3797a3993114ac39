"""The Coppice service, as the Action sees it."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any, TypeVar

from action import messages, refusals, reply
from action.credentials import InvalidReply
from action.errors import ActionError
from action.transport import (
    Answer,
    CertificateRefused,
    NoAnswer,
    Patience,
    Redirected,
    Request,
    Transport,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from action.console import Console
    from action.identity import Identity
    from action.inputs import Inputs
    from pgwire.beside.catalog import Unfinished
    from pgwire.trace.report import Report as Trace

_Value = TypeVar("_Value")
_Result = TypeVar("_Result")
_BRIEFLY = Patience(timeout_seconds=5.0, retries=0)
_ABOUT_THE_BODY = (400, 413, 422)
_WAITS = ("creating", "restoring", "fixing", "busy", "waiting")


class Refused(ActionError):
    """The service understood and said no, in its own words."""

    def __init__(self, status: int, refusal: reply.Refusal, *, url: str) -> None:
        super().__init__(refusals.refused(status, refusal, url=url))
        self.status = status
        self.refusal = refusal


class Unavailable(ActionError):
    """The service gave no usable answer, however often it was asked."""


class LeaseLost(Exception):
    """The service gave the database to another run, or took it back."""


@dataclass(frozen=True)
class Report:
    """How a migration ended."""

    result: str
    exit_code: int | None
    duration_seconds: float
    log: str = field(repr=False)
    seed: Report | None = None
    """How the seed command ended, where one followed the migration."""
    unfinished: tuple[Unfinished, ...] = ()
    """What the commands left behind so, invalid indexes and constraints that are not validated."""
    trace: Trace | None = None
    """What was seen of the migration command's statements."""
    tables: Mapping[str, Mapping[str, int]] | None = None
    """Production's tables, each with the `rows` and `bytes` that the catalog estimates."""


class Service:
    """Speaks the service's protocol; every request may be repeated. Safe for threads."""

    def __init__(
        self, url: str, *, identity: Identity, transport: Transport, console: Console
    ) -> None:
        self._url = url
        self._identity = identity
        self._transport = transport
        self._console = console

    def start(self, inputs: Inputs, *, job: str, step: str) -> reply.Run | reply.NoDatabase:
        """Tell the service about this execution and hear which databases it reaches.

        `step` makes repeated requests of one execution the same run.
        """
        body = {
            "app": inputs.app,
            "environments": list(inputs.environments),
            "migrate": inputs.migrate,
            "migration_command": inputs.migration_command,
            "seed_command": inputs.seed_command,
            "credentials": inputs.credentials,
            "export_env": inputs.export_env,
            "credentials_minutes": inputs.credentials_minutes,
            "timeout_minutes": inputs.timeout_minutes,
            "job": job,
            "step": step,
        }
        return self._read(
            partial(reply.run_in, migrates=inputs.migrate), self._call("/api/v1/runs", body)
        )

    def ask(
        self, run: reply.Run, planned: reply.Planned
    ) -> reply.Granted | reply.Passed | reply.Wait:
        """Ask for one database's credentials and, for a run that migrates, its lease."""
        answer = self._send(_path(run, planned), {})
        refusal = reply.refusal_in(answer.body)
        if answer.status == 409 and refusal.code in _WAITS:
            return reply.Wait(
                code=refusal.code,
                message=refusal.message,
                advice=refusal.advice,
                retry_after_seconds=refusal.retry_after_seconds,
            )
        return self._read(
            lambda decoded: reply.turn_in(
                decoded,
                planned=planned,
                migrates=run.migrates,
                may_seed=bool(run.seed_command.strip()),
            ),
            self._accepted(answer),
        )

    def renew(self, run: reply.Run, planned: reply.Planned, *, timeout_seconds: float) -> float:
        """Keep the lease; returns how many seconds it lasts. Raises LeaseLost."""
        patience = Patience(timeout_seconds=timeout_seconds, retries=0)
        answer = self._send(f"{_path(run, planned)}/renew", {}, patience)
        if answer.status in (403, 404, 409):
            raise LeaseLost(reply.refusal_in(answer.body).message)
        return self._read(reply.lease_seconds_in, self._accepted(answer))

    def changes(self, run: reply.Run) -> reply.Changes:
        """Hear which files the run's commit changed. Raises ActionError, after some seconds."""
        path = f"/api/v1/runs/{run.id}/changes"
        return self._read(reply.changes_in, self._call(path, {}, _BRIEFLY))

    def report(
        self,
        run: reply.Run,
        planned: reply.Planned,
        report: Report,
        *,
        patience: Patience | None = None,
    ) -> reply.Verdict:
        """Say how a migration ended, which also gives the lease back.

        Nothing of a trace may cost the result: what the service does not take is left out.
        """
        body = {**_told(report), "seed": _told(report.seed) if report.seed else None}
        if report.unfinished:  # else left out: a service of an earlier version knows it not
            body["unfinished"] = [asdict(each) for each in report.unfinished]
        path = f"{_path(run, planned)}/result"
        seen: dict[str, Any] = {}
        if report.trace is not None:
            seen["trace"] = report.trace.limited()
        if report.tables is not None:
            seen["tables"] = report.tables
        answer = self._send(path, {**body, **seen}, patience)
        if seen and answer.status in _ABOUT_THE_BODY:
            self._console.warning("Coppice", messages.trace_refused(_words(answer)))
            without = {"trace": {"untraced": messages.TRACE_REFUSED}} if report.trace else {}
            answer = self._send(path, {**body, **without}, patience)
            if without and answer.status in _ABOUT_THE_BODY:
                answer = self._send(path, body, patience)
        return self._read(reply.verdict_in, self._accepted(answer))

    def _call(
        self, path: str, body: Mapping[str, Any], patience: Patience | None = None
    ) -> dict[str, Any]:
        return self._accepted(self._send(path, body, patience))

    def _accepted(self, answer: Answer) -> dict[str, Any]:
        if answer.status == 200:
            return self._read(reply.decode, answer.body)
        refusal = reply.refusal_in(answer.body)
        if not refusal.code and not refusal.message:
            raise Unavailable(messages.not_coppice(self._url, status=answer.status))
        if answer.status >= 500:
            raise Unavailable(messages.unavailable(self._url, refusal.message))
        raise Refused(answer.status, refusal, url=self._url)

    def _send(self, path: str, body: Mapping[str, Any], patience: Patience | None = None) -> Answer:
        answer = self._send_as(self._token(), path, body, patience)
        if answer.status == 401:  # perhaps it expired on the way, or clocks differ: once more
            self._identity.forget()
            answer = self._send_as(self._token(), path, body, patience)
        return answer

    def _token(self) -> str:
        return self._identity.token(hide=self._console.mask)

    def _send_as(
        self, token: str, path: str, body: Mapping[str, Any], patience: Patience | None
    ) -> Answer:
        request = Request(
            method="POST",
            url=self._url + path,
            headers={
                "Authorization": f"Bearer {token}",
                "Content-Type": "application/json",
                "Accept": "application/json",
                "User-Agent": "coppice-action",
            },
            body=json.dumps(body).encode(),
        )
        try:
            return self._transport.send(request, patience)
        except CertificateRefused as error:
            raise Unavailable(messages.certificate_refused(self._url, str(error))) from error
        except NoAnswer as error:
            raise Unavailable(messages.unavailable(self._url, str(error))) from error
        except Redirected as error:
            raise Unavailable(messages.redirected(self._url, str(error))) from error

    def _read(self, parse: Callable[[_Value], _Result], value: _Value) -> _Result:
        try:
            return parse(value)
        except InvalidReply as error:
            raise Unavailable(messages.invalid_reply(self._url, str(error))) from error


def _words(answer: Answer) -> str:
    return reply.refusal_in(answer.body).message or f"HTTP status {answer.status}"


def _told(report: Report) -> dict[str, Any]:
    return {
        "result": report.result,
        "exit_code": report.exit_code,
        "duration_seconds": round(report.duration_seconds, 3),
        "log": report.log,
    }


def _path(run: reply.Run, planned: reply.Planned) -> str:
    return f"/api/v1/runs/{run.id}/databases/{planned.environment}"

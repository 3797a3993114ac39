"""Runs: what one run of the Action did to each database, with the logs."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from app.core import ansi
from app.core.environments import Environment
from app.core.errors import Conflict, NotFound
from app.core.identifiers import AppId, RunId
from app.core.people import Change, See, SeeLog
from app.core.runs import Migration, Run
from app.operations import access
from app.operations.apps import KnownApp
from app.operations.pull_requests import actions
from app.operations.runs import logs
from app.operations.services import Services
from app.web.dashboard import notices, tables
from app.web.dashboard.locks import Locks, locks_of, why_untraced
from app.web.dashboard.notices import done
from app.web.identity import acting

# What the Action sends at most: action/redact.py.
_SENT_BYTES = 900_000

_RERUN_ADVICE = "Wait until it has ended, or start it on its own page at GitHub."

pages = Blueprint("runs", __name__, url_prefix="/apps/<app_id>/runs/<int:run_id>")


@dataclass(frozen=True, slots=True, kw_only=True)
class LogLine:
    """A line of a log that is shown."""

    number: int
    spans: Sequence[ansi.Span]
    pieces: Sequence[tuple[str, bool]] = ()
    """With a search: the line in pieces, and which of them match."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Log:
    """What a command wrote, or those lines of it that hold what is searched for."""

    title: str
    lines: Sequence[LogLine]
    total: int
    is_cut: bool
    """It was longer than the Action sends: the beginning is in the job's own log at GitHub."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A migration and its logs."""

    migration: Migration
    logs: Sequence[Log]
    locks: Locks | None
    why_untraced: str
    """Empty where there is a trace, or no command has ended."""


@pages.get("")
def show(app_id: str, run_id: int) -> ResponseReturnValue:
    services = acting()
    found = access.known_app(services, AppId(app_id), See).subject
    past = services.store.history.run(found.app.id, RunId(run_id))
    can = tables.abilities(services, found.app, found.repository)
    query = request.args.get("q", "").strip()
    shown = [_shown(services, found, one, query, can) for one in past.migrations]
    later = _later(services, past.run)
    is_awaited = request.args.get("done") == "rerun" and not later and notices.is_recent()
    names = {one.id: one.name for one in services.store.databases.all(app_id=found.app.id)}
    return render_template(
        "run.html",
        found=found,
        run=past.run,
        can=can,
        shown=shown,
        names=names,
        may_see_logs=can.may(SeeLog),
        why_no_rerun=why_no_rerun(can, past.run),
        query=query,
        is_running=any(one.finished_at is None for one in past.migrations),
        is_awaited=is_awaited,
        later=later,
        notice=notices.of_rerun(is_awaited=is_awaited),
    )


@pages.post("/rerun")
def rerun(app_id: str, run_id: int) -> ResponseReturnValue:
    """Start the job at GitHub again, for those who may change every database that it reaches."""
    services = acting()
    found = access.known_app(services, AppId(app_id), See).subject
    run = access.run(services, found, RunId(run_id), Change)
    reason = actions.rerun(services, found.repository, run)
    if reason is not None:
        raise Conflict(f"GitHub does not start it again: {reason}", advice=_RERUN_ADVICE)
    return done(url_for(".show", app_id=app_id, run_id=run_id), "rerun")


@pages.get("/<environment>.log")
def download(app_id: str, run_id: int, environment: str) -> ResponseReturnValue:
    """The logs of a database's migrations in this run, as plain text."""
    services = acting()
    found = access.known_app(services, AppId(app_id), SeeLog).subject
    past = services.store.history.run(found.app.id, RunId(run_id))
    texts = [
        logs.plain(text).removesuffix("\n")
        for one in past.migrations
        if one.environment == environment
        for _, text in _texts(services, one)
    ]
    if environment not in set(Environment) or not texts:
        raise NotFound("There is no such log.", advice="The page of the run has those there are.")
    name = f"{found.app.id}-run-{run_id}-{environment}.log"
    return Response(
        "\n".join(texts) + "\n",
        content_type="text/plain; charset=utf-8",
        headers={"Content-Disposition": f"attachment; filename={name}"},
    )


def _later(services: Services, run: Run) -> Sequence[Run]:
    """The runs that came of starting its job at GitHub again."""
    return [
        one
        for one in services.store.runs.of_commit(run.repository_id, run.head_sha)
        if one.app_id == run.app_id
        and one.workflow_run_id == run.workflow_run_id
        and one.workflow_attempt > run.workflow_attempt
    ]


def why_no_rerun(can: tables.Abilities, run: Run) -> str | None:
    """The reason for which the reader may not start it again; None: they may."""
    reasons = [can.why_not(Change, each) for each in run.answered_for]
    return next((reason for reason in reasons if reason is not None), None)


def _texts(services: Services, migration: Migration) -> list[tuple[str, str]]:
    """What the commands wrote, where they wrote anything."""
    texts = zip(("Migration", "Seed"), logs.texts(services.store, migration), strict=True)
    return [(title, text) for title, text in texts if text.strip()]


def _shown(
    services: Services, found: KnownApp, migration: Migration, query: str, can: tables.Abilities
) -> Shown:
    trace = services.store.migrations.trace(migration.id) if migration.traced else None
    production = services.store.measurements.tables(found.app.id) if trace else None
    policies = found.assignment.policies if found.assignment else None
    return Shown(
        migration=migration,
        logs=_logs(services, migration, query) if can.may(SeeLog) else (),
        locks=locks_of(trace, production.tables if production else None) if trace else None,
        why_untraced="" if trace else why_untraced(migration, policies),
    )


def _logs(services: Services, migration: Migration, query: str) -> list[Log]:
    return [log_of(title, text, query) for title, text in _texts(services, migration)]


def log_of(title: str, text: str, query: str) -> Log:
    """The lines to show; all of them without a query, compared without case."""
    lines = ansi.lines(text)
    pattern = re.compile(f"({re.escape(query)})", re.IGNORECASE) if query else None
    shown = []
    for number, spans in enumerate(lines, start=1):
        if pattern is None:
            shown.append(LogLine(number=number, spans=spans))
            continue
        pieces = pattern.split(ansi.plain(spans))
        if len(pieces) > 1:
            marked = [(piece, index % 2 == 1) for index, piece in enumerate(pieces) if piece]
            shown.append(LogLine(number=number, spans=spans, pieces=marked))
    is_cut = len(text.encode()) > _SENT_BYTES * 0.95
    return Log(title=title, lines=shown, total=len(lines), is_cut=is_cut)

"""Verifies one database and runs the command on it."""

from __future__ import annotations

import shutil
import tempfile
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from action import command, environment, marker, ownership, redact, results, verdicts
from action.command import Command, Outcome
from action.errors import ActionError
from action.interruption import Interrupted
from action.loopback import offer
from action.results import Ended
from action.service import Report
from action.tracing import traced, untraced
from pgwire.beside import sizes, wording
from pgwire.beside.watch import Watch
from pgwire.beside.witness import Witness

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from contextlib import AbstractContextManager

    from action.errors import Problem
    from action.reply import Granted
    from action.tracing import Tracing
    from action.workplace import Workplace
    from pgwire.beside.catalog import Unfinished
    from pgwire.client import Session, Target
    from pgwire.trace.report import Report as Trace

    Way = Callable[[Session | None, Target], AbstractContextManager[Tracing]]
    """Opens a command's way to its database, given the session beside it."""

NOT_RUN = Ended(
    report=Report(result=results.FAILURE, exit_code=None, duration_seconds=0.0, log=""),
    problem=None,
)
"""What is reported when we ourselves fail before anything is known."""
_CANCELLED = "The job was cancelled."


@dataclass(frozen=True)
class Course:
    """How a command ended, and what was seen beside it meanwhile."""

    outcome: Outcome
    unfinished: tuple[Unfinished, ...] = ()
    never_connected: bool = False
    """It ended well, and nobody connected to its database."""
    trace: Trace | None = None
    """None where it was not to be traced."""
    kept_out: str = ""
    """Who came to the trace and was not let in, where nobody else came."""
    tables: Mapping[str, Mapping[str, int]] | None = None
    """Production's, for what traces of branches say."""


def execute(
    place: Workplace, go: Granted, *, variables: Mapping[str, str], lost: Callable[[], str]
) -> Ended:
    """Check the database's mark, run the command, and say how it went, for service and people.

    `lost` gives a reason as soon as the lease is gone; the command is ended then.
    """
    problem = _reach(place, go)
    if problem:
        return _not_run(place, problem)
    way: Way = partial(untraced, variables=variables)
    if place.traces(go.planned.environment):
        way = partial(traced, variables=variables, tls=offer(go.loopback, place.folder))
    course = _run_watched(place, place.command, go, way=way, lost=lost)
    return ended(place, go, course)


def seed(
    place: Workplace, go: Granted, *, variables: Mapping[str, str], lost: Callable[[], str]
) -> Ended:
    """The same for the seed command, on a database that was migrated just now."""
    problem = _reach(place, go)
    if problem and place.interruption.is_set:
        how = "was not started (the job was cancelled)"
        return _not_run(place, verdicts.not_seeded(go.planned.database, how))
    if problem:
        return _not_run(place, problem)
    way = partial(untraced, variables=variables)
    course = _run_watched(place, place.seed_command, go, way=way, lost=lost)
    return _ended(_report(place, course), _seed_problem(place, go, course))


def ended(place: Workplace, go: Granted, course: Course) -> Ended:
    """Put a command's end into words, for the service and for people."""
    return _ended(_report(place, course), _problem(place, go, course))


def _ended(report: Report, problem: Problem | None) -> Ended:
    output = redact.last_lines(report.log) if problem else ""
    return Ended(report=report, problem=problem, output=output)


def _reach(place: Workplace, go: Granted) -> Problem | None:
    try:
        marker.check(go.credentials, pause=place.interruption.pause)
    except ActionError as error:
        return error.problem
    except Interrupted:
        return verdicts.interrupted(go.planned.database)
    return None


def _run_watched(
    place: Workplace,
    text: str,
    go: Granted,
    *,
    way: Way,
    lost: Callable[[], str],
) -> Course:
    label = _label(place, go)
    target = marker.target(go.credentials, go.credentials.direct)
    with Watch(target, say=lambda line: place.console.say(label + line)) as watched:
        witness = Witness(watched.session, target)
        with way(watched.session, target) as tracing:
            outcome = _run(place, text, go, variables=tracing.variables, lost=lost)
        watched.stop()
        has_connected = tracing.saw_a_connection
        never_connected = outcome.exit_code == 0 and not has_connected and witness.nobody_came()
        # Of a job that was cancelled little time is left: what was seen is told, no more is read.
        session = None if place.interruption.is_set else watched.session
        trace = tracing.report(session, _secrets(place), place.changed_files)
        tables = sizes.read(session) if place.wants_sizes(go.planned.environment) else None
    for line in tracing.remarks(_secrets(place)):
        place.console.say(label + line)
    _tell_unfinished(place, go, watched.unfinished)
    return Course(
        outcome=outcome,
        unfinished=watched.unfinished,
        never_connected=never_connected,
        trace=trace,
        kept_out=tracing.kept_out(_secrets(place)),
        tables=tables,
    )


def _tell_unfinished(place: Workplace, go: Granted, unfinished: Sequence[Unfinished]) -> None:
    database = go.planned.database
    if warning := wording.invalid_indexes(database, unfinished):
        place.console.warning("Coppice", warning)
    for line in wording.not_validated(database, unfinished):
        place.console.say(line)


def _label(place: Workplace, go: Granted) -> str:
    return f"{go.planned.environment} | " if place.inputs.max_parallel > 1 else ""


def _run(
    place: Workplace,
    text: str,
    go: Granted,
    *,
    variables: Mapping[str, str],
    lost: Callable[[], str],
) -> Outcome:
    label = _label(place, go)
    scratch = Path(tempfile.mkdtemp(prefix="command-", dir=place.folder))
    try:
        with place.console.strangers():
            return command.run(
                Command(
                    text=text,
                    script=scratch / "command.sh",
                    directory=place.inputs.directory,
                    environment=environment.for_command(
                        place.inherited, variables, scratch=scratch
                    ),
                    timeout_seconds=place.limit.seconds_left,
                ),
                relay=lambda line: place.console.relay(line, label=label),
                should_stop=lambda: _CANCELLED if place.interruption.is_set else lost(),
                secrets=_secrets(place),
            )
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _report(place: Workplace, course: Course) -> Report:
    outcome = course.outcome
    result = results.SUCCESS if outcome.exit_code == 0 else results.FAILURE
    if course.never_connected:
        result = results.NEVER_CONNECTED
    if outcome.stopped == command.TIMED_OUT:
        result = results.TIMED_OUT
    is_told = not outcome.stopped or result == results.TIMED_OUT
    remark = "" if is_told else f"\nStopped by Coppice. {outcome.stopped}\n"
    log = _reportable(place, outcome.tail + remark.encode(), is_cut=outcome.is_cut)
    return Report(
        result=result,
        exit_code=outcome.exit_code,
        duration_seconds=outcome.duration_seconds,
        log=log,
        unfinished=course.unfinished,
        trace=course.trace,
        tables=course.tables,
    )


def _problem(place: Workplace, go: Granted, course: Course) -> Problem | None:
    database, outcome = go.planned.database, course.outcome
    if outcome.stopped == command.TIMED_OUT:
        return verdicts.command_timed_out(database, place.limit)
    if outcome.stopped == _CANCELLED:
        return verdicts.interrupted(database)
    if outcome.stopped:
        return verdicts.lease_lost(database, outcome.stopped)
    if course.never_connected:
        return verdicts.never_connected(database)
    if outcome.exit_code == 0:
        return None
    failed = verdicts.command_failed(
        database, exit_code=outcome.exit_code, environment=go.planned.environment
    )
    if course.kept_out or (course.trace is not None and course.trace.is_unused):
        failed = verdicts.found_no_way(failed, course.kept_out)
    return _advised(failed, outcome)


def _seed_problem(place: Workplace, go: Granted, course: Course) -> Problem | None:
    outcome = course.outcome
    if course.never_connected:
        return verdicts.seed_never_connected(go.planned.database)
    if outcome.exit_code == 0:
        return None
    how = "could not be started"
    if outcome.exit_code is not None:
        how = f"ended with exit code {outcome.exit_code}"
    elif outcome.stopped == command.TIMED_OUT:
        how = f"was stopped after {place.limit}"
    elif outcome.stopped:
        how = f"was stopped ({outcome.stopped.rstrip('.')})"
    return _advised(verdicts.not_seeded(go.planned.database, how), outcome)


def _advised(problem: Problem, outcome: Outcome) -> Problem:
    """Add what the output gives reason to say."""
    advice = ownership.advice(outcome.tail)
    return replace(problem, text=f"{problem.text}\n\n{advice}") if advice else problem


def _not_run(place: Workplace, problem: Problem) -> Ended:
    log = _reportable(place, f"{problem.title}\n{problem.text}\n".encode(), is_cut=False)
    report = Report(result=results.FAILURE, exit_code=None, duration_seconds=0.0, log=log)
    return Ended(report=report, problem=problem)


def _reportable(place: Workplace, tail: bytes, *, is_cut: bool) -> str:
    """Take out our own secrets and those of the job, since this leaves the runner."""
    return redact.report(tail, _secrets(place), is_cut=is_cut)


def _secrets(place: Workplace) -> tuple[str, ...]:
    """Our own, and those of the job: a runner hides these too, but not where a line is cut."""
    return (*place.console.masked, *redact.inherited_secrets(place.job.environ))

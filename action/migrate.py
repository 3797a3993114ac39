"""One database's share of a run, from its turn to its report."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import replace
from typing import TYPE_CHECKING

from action import marker, results, verdicts
from action.errors import ActionError
from action.execution import NOT_RUN, execute, seed
from action.interruption import Interrupted
from action.lease import Lease
from action.reply import Passed, Verdict
from action.results import Ended, Result, failed, judged
from action.transport import Patience
from action.turns import receive, wait_for

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from action.errors import Problem
    from action.reply import Granted, Planned
    from action.service import Report
    from action.workplace import Workplace

_ROUNDS = 2  # a rebuilt preview is migrated once more, never a third time
_LAST_WORDS = Patience(timeout_seconds=2.0, retries=0)


def migrate(place: Workplace, planned: Planned) -> Result:
    """Migrate one database; every way it can end is printed and in the result."""
    heading = f"Migrate {planned.environment}: {planned.database}"
    is_alone = place.inputs.max_parallel == 1
    with place.console.group(heading) if is_alone else nullcontext():
        return attempt(place, planned)


def attempt(place: Workplace, planned: Planned) -> Result:
    """The same without a heading."""
    return _guarded(place, planned, _migrate)


def answer(place: Workplace, planned: Planned) -> Result:
    """Only get and verify credentials (`migrate: false`)."""
    return _guarded(place, planned, _answer)


def _guarded(
    place: Workplace, planned: Planned, work: Callable[[Workplace, Planned], Result]
) -> Result:
    try:
        return work(place, planned)
    except ActionError as error:
        problem = error.problem
    except Interrupted:
        problem = verdicts.interrupted(planned.database)
    _complain(place, planned, problem)
    return failed(planned, problem)


def _complain(place: Workplace, planned: Planned, problem: Problem) -> None:
    """Annotate the step with an error; the template's are only told, for nothing fails by them."""
    if planned.is_template:
        place.console.say(f"{problem.title}\n{problem.text}")
    else:
        place.console.problem(problem)


def _answer(place: Workplace, planned: Planned) -> Result:
    turn, _ = wait_for(place, planned)
    if isinstance(turn, Passed):
        return _passed(place, planned, turn)
    turn, variables = receive(place, turn)
    marker.check(turn.credentials, pause=place.interruption.pause)
    return Result(
        planned=planned, result=results.SUCCESS, host=variables["PGHOST"], variables=variables
    )


def _migrate(place: Workplace, planned: Planned) -> Result:
    for _ in range(_ROUNDS):
        turn, asked_at = wait_for(place, planned)
        if isinstance(turn, Passed):
            return _passed(place, planned, turn)
        result, again = _migrate_once(place, turn, asked_at=asked_at)
        if not again or not place.limit.seconds_left:
            break
        place.console.say(f"{planned.database} was made anew; migrating it once more.")
    # Neutral until now because it was to be repeated; it was, and the service asks a third time.
    return replace(result, fails=True) if again else result


def _migrate_once(place: Workplace, go: Granted, *, asked_at: float) -> tuple[Result, bool]:
    """Run and report; also whether the service wants it done once more."""
    go, variables = receive(place, go)
    with Lease(
        lambda timeout: place.service.renew(place.run, go.planned, timeout_seconds=timeout),
        seconds=go.lease_seconds,
        asked_at=asked_at,
    ) as lease:
        ended = NOT_RUN
        try:
            ended = execute(place, go, variables=variables, lost=lease.lost)
            if go.seeds and ended.has_migrated:
                ended = _seeded(place, go, ended, variables=variables, lost=lease.lost)
        finally:
            verdict = _tell(place, go.planned, ended.report)
    may_be_neutral = go.planned.environment == "preview" and place.run.primary != "preview"
    result = judged(go.planned, ended, verdict, may_be_neutral=may_be_neutral or verdict.again)
    result = replace(result, host=variables["PGHOST"])
    _show(place, result)
    return (replace(result, variables=variables) if result.is_good else result), verdict.again


def _seeded(
    place: Workplace,
    go: Granted,
    migrated: Ended,
    *,
    variables: Mapping[str, str],
    lost: Callable[[], str],
) -> Ended:
    """Run the seed command after a success, and put its end beside the migration's."""
    source = "the workflow" if place.inputs.seed_command else "the app's assignment"
    place.console.say(f"{go.planned.database} is new. Seed command, from {source}:")
    for line in place.seed_command.splitlines():
        place.console.say(f"  {line}")
    ended = seed(place, go, variables=variables, lost=lost)
    unfinished = (*migrated.report.unfinished, *ended.report.unfinished)
    report = replace(migrated.report, seed=ended.report, unfinished=unfinished)
    return replace(ended, report=report)


def _tell(place: Workplace, planned: Planned, report: Report) -> Verdict:
    """Report, which gives the lease back. Raises ActionError if a success cannot be told."""
    patience = _LAST_WORDS if place.interruption.is_set else None
    try:
        return place.service.report(place.run, planned, report, patience=patience)
    except ActionError as error:
        _complain(place, planned, error.problem)
        if report.result in results.WELL:
            raise ActionError(verdicts.report_lost(planned.database, report.result)) from error
        return Verdict(again=False, fails=True, message="")


def _passed(place: Workplace, planned: Planned, turn: Passed) -> Result:
    place.console.say(f"{planned.database} is {turn.result}. {turn.message}".rstrip())
    return Result(planned=planned, result=turn.result, note=turn.message)


def _show(place: Workplace, result: Result) -> None:
    if result.problem and result.planned.is_template:
        place.console.say(f"{result.problem.title} {result.note}".rstrip())
    elif result.problem and result.fails:
        place.console.problem(result.problem, output=result.output)
        if result.note and result.note not in result.problem.text:
            place.console.say(result.note)
    elif result.problem:
        title = f"{result.problem.title} {result.note}".rstrip()
        place.console.warning("Coppice", f"{title}\n\n{result.output}".rstrip())
        place.console.say(result.problem.text)
    elif result.note:
        place.console.say(result.note)

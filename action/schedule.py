"""The order of a run's databases: production last, and only after preview."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import TYPE_CHECKING

from action import verdicts
from action.migrate import answer, migrate
from action.results import SKIPPED, WELL, Result, failed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from action.reply import Planned
    from action.workplace import Workplace


def answer_primary(place: Workplace) -> list[Result]:
    """Get the credentials of the primary database; the others' would be of no use."""
    return [answer(place, place.run.primary_database)]


def migrate_all(place: Workplace) -> list[Result]:
    """Migrate every database of the run, at most `max-parallel` at once."""
    first = [p for p in place.run.databases if p.environment != "production"]
    results = _together(place, first)
    for planned in place.run.databases:
        if planned.environment == "production":
            results.append(_production(place, planned, after=results))
    return results


def _together(place: Workplace, databases: Sequence[Planned]) -> list[Result]:
    if place.inputs.max_parallel == 1:
        return [_unless_cancelled(place, planned) for planned in databases]
    with ThreadPoolExecutor(max_workers=place.inputs.max_parallel) as pool:
        return list(pool.map(partial(_unless_cancelled, place), databases))


def _production(place: Workplace, planned: Planned, *, after: Sequence[Result]) -> Result:
    previews = (result for result in after if result.planned.environment == "preview")
    # A preview whose seed command failed fails the step, but its migration was rehearsed.
    if any(result.fails and result.result not in WELL for result in previews):
        problem = verdicts.untouched(planned.database)
        place.console.say(problem.title)
        return Result(planned=planned, result=SKIPPED, problem=problem)
    return _unless_cancelled(place, planned)


def _unless_cancelled(place: Workplace, planned: Planned) -> Result:
    if place.interruption.is_set:
        problem = verdicts.not_started(planned.database)
        place.console.problem(problem)
        return failed(planned, problem)
    return migrate(place, planned)

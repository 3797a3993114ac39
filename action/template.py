"""The template that new branches are cloned from: built last, and never a failure of the step."""

from __future__ import annotations

import traceback
from dataclasses import replace
from typing import TYPE_CHECKING

from action import messages, results, verdicts
from action.limit import Limit
from action.migrate import attempt
from action.results import Result, failed

if TYPE_CHECKING:
    from collections.abc import Sequence

    from action.reply import Planned
    from action.workplace import Workplace


def build(place: Workplace, *, after: Sequence[Result]) -> Result | None:
    """Build the template that the service plans, and say how that went; None where it plans none.

    Args:
        place: Where; only its time limit is not that of databases.
        after: What became of the run's databases. Without production's success nothing is asked.
    """
    planned = place.run.template
    if planned is None:
        return None
    result = _attempted(place, planned, after=after)
    if result.problem is None:
        place.console.say(results.of_template(result))
        return result
    problem = verdicts.template_kept(result.problem)
    result = replace(result, fails=False, problem=problem)
    shown = f"{results.of_template(result)}\n\n{result.output}".rstrip()
    place.console.warning("Coppice", shown)
    place.console.say(problem.text)
    return result


def _attempted(place: Workplace, planned: Planned, *, after: Sequence[Result]) -> Result:
    if not any(map(_is_production_migrated, after)):
        note = "This run did not migrate production."
        return Result(planned=planned, result=results.SKIPPED, note=note)
    if place.interruption.is_set:
        return failed(planned, verdicts.not_started(planned.database))
    minutes = place.inputs.template_timeout_minutes
    limit = Limit.in_all(minutes, setting="template-timeout-minutes")
    with place.console.group(f"{results.TEMPLATE}: {planned.database}"):
        try:
            return attempt(replace(place, limit=limit), planned)
        except Exception as error:  # whatever it is, the step goes on
            place.console.say(traceback.format_exc())
            return failed(planned, messages.bug(type(error).__name__))


def _is_production_migrated(result: Result) -> bool:
    is_production = result.planned.environment == "production"
    return is_production and result.result == results.SUCCESS and not result.fails

"""What became of the databases of a run."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from action import verdicts

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from action.errors import Problem
    from action.reply import Planned, Verdict
    from action.service import Report

SUCCESS = "success"
FAILURE = "failure"
TIMED_OUT = "timed-out"
NEVER_CONNECTED = "never-connected"
"""The command ended well without ever connecting to its database."""
SUPERSEDED = "superseded"
SKIPPED = "skipped"
TEMPLATE = "Template for new branches"
WELL = frozenset({SUCCESS, NEVER_CONNECTED})
"""No command failed, and what waits for it goes on."""


@dataclass(frozen=True)
class Result:
    """What became of one database."""

    planned: Planned
    result: str
    """SUCCESS, FAILURE, TIMED_OUT, NEVER_CONNECTED, SUPERSEDED or SKIPPED."""
    duration_seconds: float = 0.0
    fails: bool = False
    """Whether the step fails because of it; preview beside a branch does not."""
    problem: Problem | None = None
    seed: Report | None = None
    """How the seed command ended, where one followed the migration."""
    note: str = ""
    """The service's remark."""
    summary: str = ""
    """What the service adds to the step's summary page, in Markdown."""
    output: str = ""
    """The last lines of what a command wrote that did not do what it was meant to."""
    host: str = ""
    """The database's server, where credentials were handed out."""
    variables: Mapping[str, str] = field(default_factory=dict, repr=False)
    """The database's variables, when they may be given to later steps."""

    @property
    def is_good(self) -> bool:
        """Whether the database is as the command left it, and meant to leave it."""
        return self.result in WELL and not self.fails

    @property
    def words(self) -> str:
        """The result as people read it, with what became of the seed."""
        if self.seed is None:
            return self.result
        return f"{self.result}, seed: {self.seed.result}"


@dataclass(frozen=True)
class Ended:
    """How a command ended: for the service, and for people unless all went well."""

    report: Report
    problem: Problem | None
    output: str = ""
    """The last lines of what the command wrote, where there is a problem with it."""

    @property
    def is_good(self) -> bool:
        """Whether no command failed."""
        return all(report.result in WELL for report in (self.report, self.report.seed) if report)

    @property
    def has_migrated(self) -> bool:
        """Whether the migration counts as done."""
        return self.report.result == SUCCESS


def failed(planned: Planned, problem: Problem) -> Result:
    """Say that nothing was achieved on a database, which fails the step."""
    return Result(planned=planned, result=FAILURE, fails=True, problem=problem)


def judged(planned: Planned, ended: Ended, verdict: Verdict, *, may_be_neutral: bool) -> Result:
    """Combine what we saw with what the service says.

    The service may only soften a failure where one can be neutral: on preview beside a branch.
    """
    problem, result = ended.problem, ended.report.result
    if verdict.fails and ended.is_good:
        problem, result = verdicts.overruled(planned.database, verdict.message), FAILURE
    is_grave = not ended.is_good and not may_be_neutral
    return Result(
        planned=planned,
        result=result,
        duration_seconds=ended.report.duration_seconds,
        fails=verdict.fails or is_grave or bool(problem and problem.is_alarm),
        problem=problem,
        output=ended.output,
        seed=ended.report.seed,
        note=verdict.message,
        summary=verdict.summary,
    )


def of_template(result: Result) -> str:
    """Say in a line what became of the template that new branches are cloned from."""
    if result.problem:
        return f"{TEMPLATE}: not built. {result.problem.title}"
    if result.result != SUCCESS:
        return f"{TEMPLATE}: kept. {result.note}".rstrip()
    how = "built and seeded" if result.seed else "built"
    return f"{TEMPLATE}: {how} in {result.duration_seconds:.1f} s."


def overall(results: Sequence[Result]) -> str:
    """Sum up: one failure fails all; `skipped` when nothing was there to do."""
    if any(result.fails for result in results):
        return FAILURE
    return SUCCESS if any(result.result in WELL for result in results) else SKIPPED

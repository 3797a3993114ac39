"""How the Action's parts say that something went wrong: always as words for a person."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Problem:
    """One cause: `title` in one line for the log, `text` with what to change, in Markdown."""

    title: str
    text: str
    is_alarm: bool = False
    """Fails the step even where a failure would be neutral."""


class ActionError(Exception):
    """Ends the step (or one database's part of it); its problem is safe to show."""

    def __init__(self, problem: Problem) -> None:
        super().__init__(problem.title)
        self.problem = problem

"""The step's summary page, in Markdown."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from action.results import of_template

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from action.errors import Problem
    from action.results import Result

_BACKTICKS = re.compile("`+")
_SPECIAL = re.compile(r"([\\`*_{}\[\]()<>#+!|~@&:])")


def escape(text: str) -> str:
    """Make text from elsewhere plain in Markdown: one line, no markup, links or mentions."""
    return _SPECIAL.sub(r"\\\1", " ".join(text.split())).replace("\\@", "&#64;")


def table(results: Sequence[Result]) -> str:
    """Lay out what became of each database."""
    lines = ["| Environment | Database | Result | Seconds | |", "|---|---|---|---:|---|"]
    for result in results:
        remark = result.problem.title if result.problem else result.note
        neutral = " (neutral)" if result.problem and not result.fails else ""
        cells = (
            result.planned.environment,
            result.planned.database,
            result.words + neutral,
            f"{result.duration_seconds:.1f}",
            remark,
        )
        lines.append("| " + " | ".join(escape(cell) for cell in cells) + " |")
    return "\n".join(lines)


def of_results(results: Sequence[Result], *, run_url: str, template: Result | None = None) -> str:
    """Write the page of a run; its address on the dashboard is empty where it is not known.

    The template, where one was planned, is told last: it is no database of the revision.
    """
    problems = [(result.problem, result.output) for result in results if result.problem]
    told = [result.summary for result in results if result.summary]
    last = [_template(template)] if template else []
    return _page([table(results), *told, *_sections(problems), *last], run_url=run_url)


def of_problem(problem: Problem, *, run_url: str) -> str:
    """Write the page of a step that did not get as far as a database."""
    return _page(_sections([(problem, "")]), run_url=run_url)


def _page(parts: Sequence[str], *, run_url: str) -> str:
    link = [f"[This run on the dashboard]({run_url})"] if run_url else []
    return "\n\n".join(["### Coppice", *parts, *link]) + "\n"


def append(file: Path | None, page: str) -> None:
    """Add a page to GITHUB_STEP_SUMMARY."""
    if file is not None:
        with file.open("a", encoding="utf-8") as stream:
            stream.write(page)


def _template(result: Result) -> str:
    line = escape(of_template(result))
    if result.problem is None:
        return line
    return f"{line}\n\n{result.problem.text}{_folded(result.output)}"


def _sections(problems: Iterable[tuple[Problem, str]]) -> list[str]:
    return [
        f"**{escape(problem.title)}**\n\n{problem.text}{_folded(output)}"
        for problem, output in dict.fromkeys(problems)
    ]


def _folded(output: str) -> str:
    """Show a command's output as it is; nothing in it ends the block that it stands in."""
    if not output:
        return ""
    longest = max(map(len, _BACKTICKS.findall(output)), default=0)
    fence = "`" * max(3, longest + 1)
    title = "<summary>The last lines of the command's output</summary>"
    return f"\n\n<details>{title}\n\n{fence}text\n{output}\n{fence}\n\n</details>"

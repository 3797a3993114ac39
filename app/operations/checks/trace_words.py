"""What is said of a trace wherever it is told, in Markdown. Pure: a tenant's texts stand as code.

Statements, tables and sizes are told where a log may be shown; elsewhere counts and kinds alone.
"""

from collections import Counter
from collections.abc import Iterable

from app.core import amounts
from app.core import trace_terms as terms
from app.core.databases import Database
from app.core.markdown import cell, code, plain_lines
from app.core.trace_findings import Finding, Judgement, Touch
from app.core.traces import Blocks

MOST_LINES = 50
REWRITE = "rewrite"
KINDS = (REWRITE, *Blocks)
"""The worst first."""
_HEADINGS = (
    terms.STATEMENT, terms.TOOK, terms.HELD, terms.BLOCKS, terms.TABLES, terms.PRODUCTION,
    terms.REWRITTEN,
)  # fmt: skip
_LONGEST = 100
"""Characters of a statement where others stand beside it."""
_LOOPBACK = (
    "The command was given an address on the runner itself, `127.0.0.1`, where Coppice sees its"
    " statements, and nobody came there with the login that it got. A tool in a container or a pod"
    " has a loopback of its own: let it share the runner's (`docker run --network host`), or switch"
    " the trace off in the step:"
    "\n\n```yaml\nwith:\n  trace: off\n```"
)


def counts(touches: Iterable[Touch]) -> str:
    """`1 rewrite, 2 locks that block writes`; empty where there is nothing."""
    numbers = Counter(kind(one) for one in touches)
    told = []
    for name, number in sorted(numbers.items(), key=lambda each: KINDS.index(each[0])):
        if name == REWRITE:
            told.append(amounts.counted(number, name))
        else:
            verb = "blocks" if number == 1 else "block"
            told.append(f"{amounts.counted(number, 'lock')} that {verb} {name}")
    return ", ".join(told)


def line(judged: Judgement, *, shows_names: bool) -> str:
    """The same in one line, with the first table that is rewritten; empty for nothing."""
    told = counts(judged.told)
    rewritten = {one.table: one for one in reversed(judged.told) if one.is_rewritten}
    if not rewritten or not shows_names:
        return told
    name, touch = rewritten.popitem()
    production = (
        f" (production: {terms.size(touch.production)})" if isinstance(touch, Finding) else ""
    )
    others = f" and {amounts.counted(len(rewritten), 'other table')}" if rewritten else ""
    rewrites, comma, rest = told.partition(", ")
    return f"{rewrites} of {code(short(name))}{production}{others}{comma}{rest}"


def under_result(judged: Judgement, *, shows_names: bool, most: int = 10) -> str:
    """A short table for the check of the migration, or the counts where it may not be shown."""
    told = counts(judged.told)
    if not told:
        return ""
    lines = f"\n\n{table(judged, most=most)}" if shows_names else ""
    return f"Locks and rewrites: {told}.{lines}"


def job_summary(database: Database, judged: Judgement, *, shows_names: bool) -> str:
    """For the summary page of the job."""
    if judged.is_untraced:
        told = why_untraced(judged, shows_names=shows_names)
    else:
        told = under_result(judged, shows_names=shows_names, most=MOST_LINES)
    return f"**{code(database.name)}**\n\n{told or nothing(judged) + '.'}"


def no_connection(judged: Judgement) -> str:
    """What a command that failed is told first, when it never came through the proxy."""
    if not judged.is_without_connection:
        return ""
    return f"**No connection came to the trace, which may be why the command failed.** {_LOOPBACK}"


def why_untraced(judged: Judgement, *, shows_names: bool) -> str:
    """Why nothing was seen, and what mends it."""
    where = f" {_LOOPBACK}" if judged.is_without_connection else ""
    return f"{incomplete(judged, shows_names=shows_names)}{where}"


def incomplete(judged: Judgement, *, shows_names: bool) -> str:
    """That nothing, or not all, was seen, with the Action's words, which may name a database."""
    why = f": {', '.join(map(code, judged.untraced[:3]))}" if shows_names else ""
    return f"{terms.untraced(judged.trace)}{why}."


def seen(judged: Judgement) -> str:
    """How many statements there were."""
    trace = judged.trace
    number = len(trace.statements) + trace.more_statements
    return amounts.counted(number, "statement")


def nothing(judged: Judgement) -> str:
    """What is said where no table is concerned."""
    if judged.is_blind:
        return "Nothing to compare: the database was empty, and made all tables itself"
    where = "" if judged.production is None else "in production "
    return f"{seen(judged)}: {where}no table lock blocks and nothing is rewritten"


def table(judged: Judgement, *, most: int) -> str:
    """One line for each statement and table, the worst first; empty for none."""
    if not judged.told:
        return ""
    lines = [
        f"| {' | '.join(_HEADINGS)} |",
        "|---|---:|---:|---|---|---|---|",
        *(_row(one) for one in judged.told[:most]),
    ]
    more = len(judged.told) - most
    return "\n".join(lines) + (f"\n\nAnd {more} more." if more > 0 else "")


def kind(touch: Touch) -> str:
    """What it does to its table: one of `KINDS`."""
    return REWRITE if touch.is_rewritten else touch.blocks


def short(table: str) -> str:
    """A table's name as most write it."""
    return table.removeprefix("public.")


def cut(text: str) -> str:
    """A text on one line, as much of it as can stand beside others."""
    shown = " ".join(plain_lines(text).split())
    return shown if len(shown) <= _LONGEST else f"{shown[:_LONGEST]}..."


def _row(touch: Touch) -> str:
    statement = touch.statement
    times = f" ({statement.times} times)" if statement.times > 1 else ""
    cells = [
        cell(cut(statement.sql)) + times + (" (accepted)" if statement.accepted else ""),
        amounts.duration(statement.ms / 1000),
        amounts.duration(statement.held_ms / 1000),
        f"**{touch.blocks}**" if touch.blocks is Blocks.READS else touch.blocks,
        cell(short(touch.table)),
        terms.size(touch.production) if isinstance(touch, Finding) else "",
        "**yes**" if touch.is_rewritten else "",
    ]
    return f"| {' | '.join(cells)} |"

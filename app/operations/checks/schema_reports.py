"""What a migration changed in the schema, as people read it at GitHub. Pure."""

from collections.abc import Mapping

from app.core import trace_terms as terms
from app.core.amounts import counted
from app.core.identifiers import CommitSha
from app.core.markdown import code
from app.core.traces import Change, Risk, Size, Trace


def title(trace: Trace) -> str:
    """How many changes there are, and how many of them may lose data."""
    number = len(trace.changes) + trace.more_changes
    if trace.was_empty:
        return f"a schema of {counted(number, 'object')}, in a database that was empty"
    risky = sum(one.risk is Risk.DATA for one in trace.changes)
    words = counted(number, "change") + " of the schema"
    if not risky:
        return words
    return f"{words}, {risky} of {'it' if number == 1 else 'them'} {terms.RISKS[Risk.DATA]}"


def folded(
    trace: Trace,
    production: Mapping[str, Size] | None,
    *,
    commit: CommitSha,
    shows_names: bool,
    room: int,
) -> str:
    """All of it below its title; the title alone where names may not be shown."""
    what = f"{title(trace).capitalize()}, by {commit[:9]}"
    if not shows_names:
        return f"{what}."
    told = lines(trace, production, room=room)
    return f"<details><summary>{what}</summary>\n\n{told}\n\n</details>"


def lines(trace: Trace, production: Mapping[str, Size] | None, *, room: int) -> str:
    """A list of the changes, those first that may lose data, in so many characters at most.

    Args:
        production: Its tables by name; None: not known.
    """
    kept: list[str] = []
    for change in trace.changes:
        line = f"- {_risk(change)}{code(change.text)}{_loss(change, production or {})}"
        room -= len(line) + 1
        if room < 0:
            break
        kept.append(line)
    more = len(trace.changes) - len(kept) + trace.more_changes
    return "\n".join([*kept, f"- and {more} more"] if more else kept)


def _risk(change: Change) -> str:
    return f"**{terms.RISKS[change.risk]}**: " if change.risk else ""


def _loss(change: Change, production: Mapping[str, Size]) -> str:
    """How much is in a table that goes."""
    known = production.get(change.name)
    if change.kind != "table" or change.risk is not Risk.DATA or known is None:
        return ""
    return f" (production: {terms.size(known)})"

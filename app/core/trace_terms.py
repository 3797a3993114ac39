"""The words for what a trace tells: the same on pages, at GitHub and on the command line."""

from app.core import amounts
from app.core.traces import Counts, Risk, Size, Trace

STATEMENT = "Statement"
TOOK = "Took"
HELD = "Locks held for"
BLOCKS = "Blocks"
TABLES = "Tables"
PRODUCTION = "In production"
REWRITTEN = "Rewritten"
RISKS = {Risk.DATA: "may lose data", Risk.GUARANTEE: "takes a guarantee"}


def numbers(counts: Counts) -> str:
    """How many statements there were, and of which kind."""
    return (
        f"{amounts.counted(counts.statements, 'statement')}: {counts.blocking_reads} blocked reads"
        f" and writes, {counts.blocking_writes} writes alone; {counts.rewrites} rewrote a table."
    )


def untraced(trace: Trace) -> str:
    """What is said of a trace that has a reason not to be whole."""
    return "Not all was traced" if trace.statements else "Nothing was traced"


def size(production: Size) -> str:
    """`1.2 M rows, 310 MB`"""
    if production.rows < 0 and not production.bytes:
        return "size not estimated yet"
    return f"{amounts.rows(production.rows)}, {amounts.size(production.bytes)}"

"""What the trace of a migration has on its run's page: a time line of locks, and a table."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from textwrap import shorten

from app.core.assignments import Policies, TracePolicy
from app.core.environments import Environment
from app.core.runs import Migration, MigrationResult
from app.core.timelines import TABLES, Timeline, tables_of, timeline
from app.core.traces import Connection, Size, Statement, Trace, worst_first
from app.operations.checks import schema_reports

MOST_ROWS = 200
_BRIEF = 160
_NOT_RUN = {None, MigrationResult.SUPERSEDED, MigrationResult.SKIPPED}


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A statement in the table."""

    statement: Statement
    brief: str
    """Its text on one line, of which the end may be left out."""
    tables: Mapping[str, Sequence[str]]
    """Those that it locked, with the modes, or rewrote."""
    others: Sequence[str]
    """What else it locked, such as indexes."""
    production: Mapping[str, Size]
    """How large those of the tables are there that are known there."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Locks:
    """All that a run's page tells of a trace."""

    trace: Trace
    drawing: Timeline | None
    lines: Sequence[Line]
    more: int
    """Statements that the table leaves out."""
    modes: Sequence[tuple[str, int]]
    """How many locks on tables there were of each mode, for those who may not see on what."""
    connections: Sequence[tuple[Connection, int]]
    """How many there were alike."""
    production: Mapping[str, Size] | None
    """How large the tables are there; None: not known."""
    changes_title: str


def locks_of(trace: Trace, production: Mapping[str, Size] | None = None) -> Locks:
    """Put a trace in order for its page; `production`: how large the tables are there."""
    ordered = worst_first(trace)
    locks = [lock for one in trace.statements for lock in one.locks if lock.kind in TABLES]
    alike = Counter((one.database, one.user, one.application) for one in trace.connections)
    shown = {(one.database, one.user, one.application): one for one in trace.connections}
    return Locks(
        trace=trace,
        drawing=timeline(trace),
        lines=[_line(one, production or {}) for one in ordered[:MOST_ROWS]],
        more=max(0, len(ordered) - MOST_ROWS) + trace.more_statements,
        modes=Counter(one.mode for one in locks).most_common(),
        connections=[(shown[kind], count) for kind, count in alike.items()],
        production=production,
        changes_title=schema_reports.title(trace).capitalize(),
    )


def why_untraced(migration: Migration, policies: Policies | None) -> str:
    """Why there is no trace, by the rule of now; empty where none was to be."""
    if migration.result in _NOT_RUN or migration.environment is Environment.TEMPLATE:
        return ""
    if policies is None or policies.trace is TracePolicy.OFF:
        return "Not traced: the rule `trace` is off."
    if migration.environment is Environment.PRODUCTION and policies.trace is not TracePolicy.ALL:
        return "Not traced: production is traced only where the rule `trace` says all."
    return "Not traced: the Action sent no trace of it. Its input `trace` may be off."


def _line(statement: Statement, production: Mapping[str, Size]) -> Line:
    tables = tables_of(statement)
    others = [one.relation for one in statement.locks if one.kind not in TABLES]
    return Line(
        statement=statement,
        brief=shorten(statement.sql, _BRIEF, placeholder=" ..."),
        tables=tables,
        others=list(dict.fromkeys(others)),
        production={name: production[name] for name in tables if name in production},
    )

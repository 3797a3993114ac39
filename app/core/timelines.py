"""The time line of a trace's locks as numbers: where rows, bars and ticks stand in a drawing.

What is across is in percent of the drawing's width, so that letters keep their size on any screen;
what is down is in pixels.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from app.core.traces import WORST_FIRST, Blocks, Lock, Statement, Trace

TABLES = frozenset("rpmvf")
"""Kinds of relations that people call tables, or views: not indexes, sequences, types."""
MOST_ROWS = 30
MOST_BARS = 40
"""Of a row; those that block most."""
_LONGEST_NAME = 36
_MOST_LANES = 4
_LEAST_WIDTH = 0.5
_TOP, _HEAD, _LANE, _GAP = 22, 36, 16, 10
_MOST_TICKS = 4
_STEPS = (
    *(factor * 10.0**power for power in range(-2, 4) for factor in (1, 2, 5)),
    *(seconds * 1000.0 for seconds in (10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200)),
)
"""Milliseconds that read well on an axis."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bar:
    """A lock, from the beginning of its statement to the end of the transaction."""

    x: float
    width: float
    own: float
    """The part of the width in which its own statement ran."""
    y: int
    lock: Lock
    statement: Statement


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A table."""

    relation: str
    y: int
    bars: tuple[Bar, ...]
    more_bars: int
    blocks: Blocks
    """The worst of its locks."""
    held_ms: float
    """The longest of those."""
    is_rewritten: bool

    @property
    def name(self) -> str:
        """The relation, as much of it as fits a phone: letters here do not wrap."""
        if len(self.relation) <= _LONGEST_NAME:
            return self.relation
        half = _LONGEST_NAME // 2
        return f"{self.relation[: half - 1]}\N{HORIZONTAL ELLIPSIS}{self.relation[-half:]}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on the axis of time."""

    x: float
    ms: float

    @property
    def anchor(self) -> str:
        """As in `text-anchor`: no label sticks out."""
        return "start" if self.x < 5 else "end" if self.x > 90 else "middle"


@dataclass(frozen=True, slots=True, kw_only=True)
class Timeline:
    """A drawing, `height` pixels high."""

    rows: tuple[Row, ...]
    more_rows: int
    ticks: tuple[Tick, ...]
    height: int


def tables_of(statement: Statement) -> dict[str, list[str]]:
    """The tables that it locked, with the modes, or rewrote."""
    found: dict[str, list[str]] = {name: [] for name in statement.rewrites}
    for lock in statement.locks:
        if lock.kind in TABLES:
            found.setdefault(lock.relation, []).append(lock.mode)
    return found


def timeline(trace: Trace) -> Timeline | None:
    """Draw the locks on tables, the worst table first; None where there were none."""
    held = defaultdict[str, list[tuple[Lock, Statement]]](list)
    for statement in trace.statements:
        for lock in statement.locks:
            if lock.kind in TABLES:
                held[lock.relation].append((lock, statement))
    if not held:
        return None
    ends = [one.at_ms + one.held_ms for locks in held.values() for _, one in locks]
    span = max(*ends, _STEPS[0])
    ordered = sorted((sorted(locks, key=_badness) for locks in held.values()), key=_worst)
    rows, y = [], _TOP
    for locks in ordered[:MOST_ROWS]:
        row = _row(locks, y, span)
        rows.append(row)
        y = max(bar.y for bar in row.bars) + _LANE + _GAP
    return Timeline(
        rows=tuple(rows),
        more_rows=len(ordered) - len(rows),
        ticks=tuple(_ticks(span)),
        height=y,
    )


def _badness(held: tuple[Lock, Statement]) -> tuple[int, float]:
    lock, statement = held
    return WORST_FIRST.index(lock.blocks), -statement.held_ms


def _worst(locks: Sequence[tuple[Lock, Statement]]) -> tuple[int, float]:
    return _badness(locks[0])


def _row(locks: Sequence[tuple[Lock, Statement]], y: int, span: float) -> Row:
    worst, longest = locks[0]
    return Row(
        relation=worst.relation,
        y=y,
        bars=tuple(_bars(locks[:MOST_BARS], y + _HEAD, span)),
        more_bars=max(0, len(locks) - MOST_BARS),
        blocks=worst.blocks,
        held_ms=longest.held_ms,
        is_rewritten=any(worst.relation in one.rewrites for _, one in locks),
    )


def _bars(locks: Sequence[tuple[Lock, Statement]], top: int, span: float) -> Iterator[Bar]:
    """Those that overlap stand below each other, as far as there is room."""
    free_from: list[float] = []
    for lock, statement in sorted(locks, key=lambda held: held[1].at_ms):
        width = max(_LEAST_WIDTH, 100 * statement.held_ms / span)
        x = min(100 * statement.at_ms / span, 100 - width)
        free = (lane for lane, end in enumerate(free_from) if end <= x)
        lane = next(free, min(len(free_from), _MOST_LANES - 1))
        free_from[lane : lane + 1] = [x + width]
        yield Bar(
            x=round(x, 2),
            width=round(width, 2),
            own=round(min(width, max(_LEAST_WIDTH, 100 * statement.ms / span)), 2),
            y=top + lane * _LANE,
            lock=lock,
            statement=statement,
        )


def _ticks(span: float) -> Iterator[Tick]:
    step = next((one for one in _STEPS if span / one <= _MOST_TICKS), span)
    for number in range(int(span / step) + 1):
        yield Tick(x=round(100 * number * step / span, 2), ms=number * step)

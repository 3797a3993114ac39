"""Plots as numbers: where dots, lines and labels stand in a drawing of fixed size."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

WIDTH, HEIGHT = 420, 170
_LEFT, _RIGHT, _TOP, _BOTTOM = 58, 12, 10, 26
_STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """A value at a time."""

    at: datetime
    value: float
    label: str
    """For people, as in `4.2 s`."""
    is_bad: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Dot:
    """A point in the drawing."""

    x: float
    y: float
    point: Point


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """A mark on an axis."""

    at: float
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """A drawing, `WIDTH` by `HEIGHT`."""

    dots: tuple[Dot, ...]
    steps: str
    """Points of a line that keeps each value until the next one, for SVG's `polyline`."""
    ticks: tuple[Tick, ...]
    left: float = _LEFT
    right: float = WIDTH - _RIGHT
    bottom: float = HEIGHT - _BOTTOM
    width: int = WIDTH
    height: int = HEIGHT


def plot(points: Sequence[Point], *, start: datetime, end: datetime) -> Plot:
    """Draw values between two moments, from zero up; `points` are in order of time."""
    top = _round_up(max((point.value for point in points), default=1.0) or 1.0)
    span = max((end - start), timedelta(seconds=1))

    def x(at: datetime) -> float:
        share = min(1.0, max(0.0, (at - start) / span))
        return round(_LEFT + share * (WIDTH - _LEFT - _RIGHT), 1)

    def y(value: float) -> float:
        return round(HEIGHT - _BOTTOM - value / top * (HEIGHT - _TOP - _BOTTOM), 1)

    dots = tuple(Dot(x=x(point.at), y=y(point.value), point=point) for point in points)
    return Plot(
        dots=dots,
        steps=_steps(dots, until=x(end)),
        ticks=tuple(Tick(at=y(value), value=value) for value in (0.0, top / 2, top)),
    )


def _steps(dots: Sequence[Dot], *, until: float) -> str:
    corners = []
    for index, dot in enumerate(dots):
        end = dots[index + 1].x if index + 1 < len(dots) else until
        corners += [f"{dot.x},{dot.y}", f"{end},{dot.y}"]
    return " ".join(corners)


def _round_up(value: float) -> float:
    """The next number that reads well on an axis."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(step * power for step in _STEPS if step * power >= value * 0.999999)

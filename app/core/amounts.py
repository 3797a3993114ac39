"""Amounts as people read them: bytes, durations, how long ago, and lists that grow long."""

from collections.abc import Sequence
from datetime import datetime, timedelta

_UNITS = ("kB", "MB", "GB", "TB")
_STEP = 1024


def size(count: int) -> str:
    """Bytes in the unit that keeps the number short, as PostgreSQL counts: 1 kB is 1024 bytes."""
    if count < _STEP:
        return f"{count} bytes"
    value = float(count)
    for unit in _UNITS:
        value /= _STEP
        if value < _STEP or unit == _UNITS[-1]:
            break
    return f"{value:.1f} {unit}" if value < 10 else f"{value:.0f} {unit}"


def rows(count: int) -> str:
    """Estimated rows: `1 row`, `950 rows`, `12 k rows`, `1.2 M rows`; -1: nobody counted them."""
    if count < 0:
        return "rows not counted"
    value, unit = float(count), ""
    for larger in ("k", "M", "G"):
        if value < 999.5:
            break
        value, unit = value / 1000, larger
    number = f"{value:.1f}" if unit and value < 9.95 else f"{value:.0f}"
    return counted(count, "row") if not unit else f"{number} {unit} rows"


def duration(seconds: float) -> str:
    """How long something took: `0.07 ms`, `340 ms`, `4.2 s`, `3 min 20 s`, `2 h 5 min`."""
    if seconds < 0.01:
        return f"{round(seconds * 1000, 2):.2g} ms"
    if seconds < 1:
        return f"{round(seconds * 1000)} ms"
    if seconds < 59.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    return f"{whole // 3600} h {whole % 3600 // 60} min"


def ago(moment: datetime, *, now: datetime) -> str:
    """The distance of a moment from now, before or after: `5 minutes ago`, `in 3 days`."""
    distance = now - moment
    words = _distance(abs(distance))
    if words is None:
        return "just now"
    return f"{words} ago" if distance > timedelta(0) else f"in {words}"


def _distance(length: timedelta) -> str | None:
    seconds = length.total_seconds()
    if seconds < 45:
        return None
    for unit, unit_seconds in (("day", 86_400), ("hour", 3600)):
        if seconds >= unit_seconds * 1.5 or (unit == "day" and seconds >= unit_seconds):
            return counted(round(seconds / unit_seconds), unit)
    return counted(round(seconds / 60), "minute")


def counted(count: int, unit: str) -> str:
    """`1 database`, `2 databases`."""
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def listed(names: Sequence[str], *, most: int = 5) -> str:
    """`a, b, c and 2 more`; empty when there are none."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")

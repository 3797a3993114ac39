"""From which size on a table is large: an amount of bytes or of rows."""

import re
from dataclasses import dataclass

from app.core.errors import Invalid
from app.core.limits import parse_size
from app.core.traces import Size

_ROWS = re.compile(r"[1-9][0-9]*")
_WITH_UNIT = re.compile(r".*[a-z]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A table above it is large."""

    amount: int
    is_rows: bool
    """Otherwise the amount is of bytes."""

    def is_passed_by(self, table: Size) -> bool:
        """Whether a table is above it.

        One whose rows were never counted is not: autovacuum counts those that have more than a few.
        https://www.postgresql.org/docs/current/routine-vacuuming.html#AUTOVACUUM
        """
        return (table.rows if self.is_rows else table.bytes) > self.amount


def parse(text: str) -> Threshold | None:
    """Read `100MB` (bytes) or `100000` (rows); empty: None. Raises Invalid."""
    if not text:
        return None
    if _ROWS.fullmatch(text):
        return Threshold(amount=int(text), is_rows=True)
    try:
        size = parse_size(text) if _WITH_UNIT.fullmatch(text) else 0
    except Invalid:
        size = 0
    if not size:
        raise Invalid(
            f"{text!r} is no size of a table.",
            advice="Write it as 100MB, or as a number of rows, 100000. Leave it empty for none.",
        )
    return Threshold(amount=size, is_rows=False)

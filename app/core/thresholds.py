"""From which size on a table is large: an amount of bytes or of rows."""

import re
from dataclasses import dataclass

from app.core.errors import Invalid
from app.core.limits import parse_size
from app.core.traces import Size

_ROWS = re.compile(r"[1-9][0-9]*")
_LEAST_BYTES_OF_A_ROW = 28
"""Its header and its pointer: https://www.postgresql.org/docs/current/storage-page-layout.html"""
_WITH_UNIT = re.compile(r".*[a-z]", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Threshold:
    """A table above it is large."""

    amount: int
    is_rows: bool
    """Otherwise the amount is of bytes."""

    def is_passed_by(self, table: Size) -> bool | None:
        """Whether a table is above it; None: nobody knows.

        A table that was just loaded or rewritten has no estimates, however large it is, until
        somebody looks at it: https://www.postgresql.org/docs/current/catalog-pg-class.html
        """
        if not table.is_known:
            return None
        if not self.is_rows:
            return table.bytes > self.amount
        if table.rows >= 0:
            return table.rows > self.amount
        return None if table.bytes // _LEAST_BYTES_OF_A_ROW > self.amount else False


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

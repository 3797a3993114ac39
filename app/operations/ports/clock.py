"""What operations ask of the clock."""

from datetime import datetime
from typing import Protocol


class Clock(Protocol):
    """Aware UTC now."""

    def __call__(self) -> datetime: ...

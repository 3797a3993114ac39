"""How long waiting and commands may take."""

from __future__ import annotations

import math
import time
from dataclasses import dataclass


@dataclass(frozen=True)
class Limit:
    """One limit, and the input that sets it."""

    minutes: int
    """For each command, and for each cause to wait."""
    setting: str = "timeout-minutes"
    ends_at: float = math.inf
    """The monotonic time at which waiting and commands end together."""

    @classmethod
    def in_all(cls, minutes: int, *, setting: str) -> Limit:
        """A limit that begins now, for waiting and commands together."""
        return cls(minutes, setting=setting, ends_at=time.monotonic() + 60.0 * minutes)

    @property
    def seconds_left(self) -> float:
        """How long a command that begins now may take."""
        return max(0.0, min(60.0 * self.minutes, self.ends_at - time.monotonic()))

    def __str__(self) -> str:
        return f"{self.minutes} minutes{'' if self.ends_at == math.inf else ' (waiting included)'}"

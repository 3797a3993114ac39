"""The job's cancellation: GitHub sends SIGINT, 7.5 seconds later SIGTERM, 2.5 later SIGKILL.

https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-cancellation
"""

from __future__ import annotations

import signal
import threading
from typing import Any


class Interrupted(Exception):
    """The job was cancelled while we waited for something."""


class Interruption:
    """Whether the job was cancelled. Safe for threads."""

    def __init__(self) -> None:
        self._event = threading.Event()

    def listen(self) -> None:
        """Turn the runner's signals into `is_set`; only in the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._note)

    @property
    def is_set(self) -> bool:
        """Whether the job was cancelled."""
        return self._event.is_set()

    def interrupt(self) -> None:
        """Cancel: every pause ends."""
        self._event.set()

    def pause(self, seconds: float) -> None:
        """Wait. Raises Interrupted as soon as the job is cancelled."""
        if self._event.wait(seconds):
            raise Interrupted

    def _note(self, *_: Any) -> None:
        self.interrupt()

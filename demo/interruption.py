"""Ctrl-C and its like: noted when they come, obeyed where nothing is left half done.

Imports little: until `listen` was called, Ctrl-C ends in a traceback.
"""

import signal
import time
from types import FrameType

_noted: list[int] = []


class Interrupted(BaseException):
    """Somebody wants it to end. Not an Exception, so that nobody takes it for a failure."""

    def __init__(self, number: int) -> None:
        super().__init__(signal.strsignal(number))
        self.exit_code = 128 + number
        """As shells tell it."""


def listen() -> None:
    """From now on `pause` raises after Ctrl-C, SIGTERM or the end of the terminal."""
    signal.signal(signal.SIGINT, _note)
    signal.signal(signal.SIGTERM, _note)
    # Ignored when a person asked for that, with nohup.
    if signal.getsignal(signal.SIGHUP) is not signal.SIG_IGN:
        signal.signal(signal.SIGHUP, _note)


def pause(seconds: float) -> None:
    """Sleep for a moment. Raises Interrupted."""
    check()
    time.sleep(seconds)
    check()


def check() -> None:
    """Raise Interrupted if somebody wants it to end."""
    if _noted:
        raise Interrupted(_noted[0])


def _note(number: int, _frame: FrameType | None) -> None:
    _noted.append(number)

"""Who uses a server of our own: so that it is stopped by the last one and by nobody else."""

import fcntl
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

_PAUSE_SECONDS = 0.05


@contextmanager
def locked(file: Path, *, while_waiting: Callable[[], None] | None = None) -> Iterator[None]:
    """Hold a lock that one process at a time gets; freed by the kernel if the process dies.

    `while_waiting` is called again and again, and gives up by an exception.
    """
    with file.open("a") as handle:
        if while_waiting is None:
            fcntl.flock(handle, fcntl.LOCK_EX)
        else:
            while not _take(handle):
                while_waiting()
                time.sleep(_PAUSE_SECONDS)
        yield


def _take(handle: IO[str]) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


@contextmanager
def held(file: Path) -> Iterator[None]:
    """Hold a lock that any number of users share."""
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield


@contextmanager
def unused(file: Path) -> Iterator[bool]:
    """Say whether nobody holds the lock; if so, keep it from everybody until the end."""
    with file.open("a") as handle:
        yield _take(handle)

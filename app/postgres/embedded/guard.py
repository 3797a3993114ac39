"""Who uses a server of our own: so that it is stopped by the last one and by nobody else."""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Hold a lock that one process at a time gets; freed by the kernel if the process dies."""
    with file.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


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
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True

"""A server process, as its data folder tells of it."""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path

from app.postgres.embedded.faults import StopFailed

_PROC = Path("/proc")


def running_pid(data: Path) -> int | None:
    """The pid of the server that runs on this data folder, or None.

    `pg_ctl status` would not do: it takes a killed server that nobody has reaped (a container
    without an init) for a running one, and any process that has got its pid since.
    """
    pid = _noted_pid(data)
    return pid if pid is not None and _serves(pid, data) else None


def is_ready(data: Path, *, while_waiting: Callable[[], None]) -> bool:
    """Whether a server runs here, waiting for one that is just starting.

    `while_waiting` gives up by an exception. Whoever started it may have died meanwhile.
    https://github.com/postgres/postgres/blob/REL_18_STABLE/src/include/utils/pidfile.h
    """
    while running_pid(data) is not None:
        if is_up(data):
            return True
        while_waiting()
        time.sleep(0.05)
    return False


def is_up(data: Path) -> bool:
    """Whether the server that runs here takes connections."""
    return _noted_status(data) == "ready"


def await_pid(data: Path, *, timeout_seconds: float) -> None:
    """Wait for a server that was started a moment ago to say that it runs, for so long at most."""
    deadline = time.monotonic() + timeout_seconds
    while running_pid(data) is None and time.monotonic() < deadline:
        time.sleep(0.05)


def claim_stale_pid_file(data: Path) -> None:
    """Let a new server start over the pid file of a dead one.

    The file is not deleted: it holds the key of the old shared memory, by which PostgreSQL notices
    sessions that outlived their server. Our own pid in it is one that PostgreSQL overlooks,
    because it belongs to its grandparent.
    https://github.com/postgres/postgres/blob/REL_18_STABLE/src/backend/utils/init/miscinit.c
    """
    file = data / "postmaster.pid"
    if not file.exists():
        return
    lines = file.read_text().split("\n")
    file.write_text("\n".join([str(os.getpid()), *lines[1:]]))


def stop(data: Path, *, timeout_seconds: float) -> None:
    """End the server in an orderly way, cutting its sessions; wait until it is gone.

    Raises:
        StopFailed: It still runs after the time.
    """
    pid = running_pid(data)
    if pid is None:
        return
    os.kill(pid, signal.SIGINT)  # "fast": https://www.postgresql.org/docs/current/server-shutdown
    deadline = time.monotonic() + timeout_seconds
    while _serves(pid, data):
        if time.monotonic() > deadline:
            raise StopFailed(
                f"The embedded PostgreSQL still runs {timeout_seconds:.0f} s after"
                " it was asked to stop."
            )
        time.sleep(0.02)


def _noted_pid(data: Path) -> int | None:
    try:
        return int((data / "postmaster.pid").read_text().split("\n", 1)[0])
    except (FileNotFoundError, ValueError):
        return None


def _noted_status(data: Path) -> str:
    try:
        return (data / "postmaster.pid").read_text().split("\n")[7].strip()
    except (FileNotFoundError, IndexError):
        return ""


def _serves(pid: int, data: Path) -> bool:
    if not _PROC.exists():  # not Linux: a live process with this pid has to do
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return False
        return True
    try:
        state = (_PROC / str(pid) / "stat").read_text().rsplit(")", 1)[1].split()[0]
        return state not in "ZX" and (_PROC / str(pid) / "cwd").readlink() == data
    except OSError:
        return False

"""Which processes of an installation are which, and their sudden end."""

import os
import signal
from pathlib import Path

from tests.integration.serve.installation import Installation, await_that


def state_server(installation: Installation) -> int:
    """The PostgreSQL of the state database."""
    return _noted(installation.data / "state" / "cluster" / "data" / "postmaster.pid")


def instance_server(installation: Installation, name: str) -> int:
    """The PostgreSQL of a provisioned instance."""
    return _noted(installation.data / "instances" / name / "cluster" / "data" / "postmaster.pid")


def _noted(file: Path) -> int:
    # It is there for a moment before anything is in it.
    await_that(lambda: file.exists() and file.read_text(), what=f"no {file}")
    return int(file.read_text().split("\n", 1)[0])


def is_alive(pid: int) -> bool:
    """Whether it runs; a zombie does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except OSError:
        return False
    return state not in "ZX"


def kill(pid: int) -> None:
    """Kill it, and wait until it is gone."""
    os.kill(pid, signal.SIGKILL)
    await_that(lambda: not is_alive(pid), what=f"{pid} lives on")

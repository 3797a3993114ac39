"""Real workers: processes as `worker` starts them."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Self

PATIENCE_SECONDS = 120.0


class Worker:
    """One process; use as a context manager, it is killed at the end."""

    def __init__(
        self, settings: Mapping[str, str], log: Path, *, program: Sequence[str] = ("app", "worker")
    ) -> None:
        self._environ = {"PATH": os.environ["PATH"], **settings}
        self.log = log
        self._program = program
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *self._program],
                env=self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.kill()

    def kill(self) -> None:
        assert self.process is not None
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def signal(self, number: signal.Signals) -> None:
        assert self.process is not None
        self.process.send_signal(number)

    def stop(self) -> int:
        """Ask it to end, and wait for that; its exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(PATIENCE_SECONDS)


def wait_until(holds: Callable[[], object], *, seconds: float = PATIENCE_SECONDS) -> float:
    """How many seconds it took until it held."""
    started = time.monotonic()
    while not holds():
        assert time.monotonic() - started < seconds, "it did not come to pass"
        time.sleep(0.05)
    return time.monotonic() - started

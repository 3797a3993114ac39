"""Processes that are started again when they die, as a machine's init does, and their troubles."""

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Protocol

TICK_SECONDS = 0.1
_STOP_SECONDS = 60.0


class Kept(Protocol):
    """Something that is looked after by a thread of its own."""

    name: str

    def tend(self) -> None:
        """Start it if it should run and does not."""
        ...


class Program:
    """A process of the service in a session of its own."""

    def __init__(
        self, name: str, command: Sequence[str], *, environ: Mapping[str, str], log: Path
    ) -> None:
        self.name = name
        self.log = log
        self.surprises: list[str] = []
        """Ends that nobody here caused."""
        self._command = command
        self._environ = environ
        self._lock = threading.RLock()
        self._process: subprocess.Popen[bytes] | None = None
        self._is_wanted = True
        self._start_at = 0.0

    @property
    def pid(self) -> int | None:
        """Of the process that was started; None while there is none."""
        with self._lock:
            return self._process.pid if self._process and self._process.poll() is None else None

    def tend(self) -> None:
        with self._lock:
            if self._process is not None and (code := self._process.poll()) is not None:
                self._process = None
                self._start_at = time.monotonic() + 1
                self.surprises.append(f"{self.name} ended by itself with {code}")
            if self._process is None and self._is_wanted and time.monotonic() >= self._start_at:
                with self.log.open("ab") as log:
                    self._process = subprocess.Popen(
                        self._command,
                        env=self._environ,
                        stdin=subprocess.DEVNULL,
                        stdout=log,
                        stderr=log,
                        start_new_session=True,
                    )

    def kill(self, *, away_seconds: float) -> None:
        """End it and its children as a power cut does; it comes back after a while."""
        with self._lock:
            self._start_at = time.monotonic() + away_seconds
            if self._process is not None:
                _signal_group(self._process.pid, signal.SIGKILL)
                self._process.wait()
                self._process = None

    def signal(self, number: int) -> None:
        """Send it and its children a signal."""
        with self._lock:
            if self._process is not None:
                _signal_group(self._process.pid, number)

    def stop(self) -> int | None:
        """Ask it to end and keep it down; its exit code, None if it had to be killed."""
        with self._lock:
            self._is_wanted = False
            process, self._process = self._process, None
        if process is None:
            return 0
        _signal_group(process.pid, signal.SIGCONT)
        process.terminate()
        try:
            return process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            return None
        finally:
            _signal_group(process.pid, signal.SIGKILL)
            process.wait()

    def want(self) -> None:
        """Let it be started again after a stop."""
        with self._lock:
            self._is_wanted = True

    def destroy(self) -> None:
        """End it at once, for good."""
        with self._lock:
            self._is_wanted = False
        self.kill(away_seconds=0)


def descendants(root: int) -> Iterator[int]:
    """A process and all that come from it, whatever session they are in."""
    yield root
    with suppress(OSError):
        for child in Path(f"/proc/{root}/task/{root}/children").read_text().split():
            yield from descendants(int(child))


def send(number: int, pids: Iterable[int]) -> None:
    """Send a signal to processes; those that are gone do not count."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def keep(
    kept: Kept, *, until: threading.Event, complain: Callable[[str], None]
) -> threading.Thread:
    """Look after something in a thread of its own; what goes wrong with it is told each time."""

    def work() -> None:
        while not until.wait(TICK_SECONDS):
            try:
                kept.tend()
            except Exception as error:
                complain(f"{kept.name} could not be started: {error}")

    thread = threading.Thread(target=work, name=f"keep {kept.name}", daemon=True)
    thread.start()
    return thread


def _signal_group(leader: int, number: int) -> None:
    with suppress(ProcessLookupError):
        os.killpg(leader, number)

"""The service as people start it: `python -m app serve`, in a process of its own."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path

from demo.interruption import pause
from demo.runner import CHECKOUT

_START_SECONDS = 60
# What `serve` allows its own children, and a little more.
_STOP_SECONDS = 45


class Service:
    """One service with a data directory of its own.

    `settings` are the COPPICE_* variables beside COPPICE_BIND and COPPICE_DATA_DIR.
    """

    def __init__(self, folder: Path, *, settings: Mapping[str, str]) -> None:
        address = f"127.0.0.1:{free_port()}"
        self.url = f"http://{address}"
        self.log = folder / "service.log"
        self._folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.settings = {
            "COPPICE_BIND": address,
            "COPPICE_DATA_DIR": str(folder / "data"),
            **settings,
        }
        self.environ = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "LANG": "C.UTF-8",
            **self.settings,
        }

    @property
    def pid(self) -> int:
        """The process that was started."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> None:
        """Start it and return when it is ready; whatever goes wrong, nothing is left running.

        Raises AssertionError with its log if it fails, Interrupted when somebody stops the wait.
        """
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "app", "serve"],
                cwd=CHECKOUT,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        try:
            self._await_readiness()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> int:
        """Ask it to end, and return its exit code; whatever is left after that is killed."""
        assert self._process is not None
        self._process.terminate()
        try:
            return self._process.wait(_STOP_SECONDS)
        finally:
            _kill_group(self._process.pid)

    def coppice(self, *arguments: str) -> str:
        """Run a command of the command line and return what it prints.

        Raises AssertionError, with its messages, when it fails.
        """
        finished = self._run(arguments)
        assert finished.returncode == 0, f"{arguments}:\n{finished.stdout}{finished.stderr}"
        return finished.stdout

    def _run(self, arguments: Sequence[str]) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "app", *arguments],
            cwd=CHECKOUT,
            env=self.environ,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            # A terminal's Ctrl-C must not cut it off half-way.
            start_new_session=True,
            check=False,
        )

    def is_running(self) -> bool:
        """Whether the process that was started still runs."""
        return self._process is not None and self._process.poll() is None

    def _await_readiness(self) -> None:
        deadline = time.monotonic() + _START_SECONDS
        while not self._is_ready():
            assert self.is_running(), f"ended:\n{self.log.read_text()}"
            assert time.monotonic() < deadline, f"never became ready:\n{self.log.read_text()}"
            pause(0.05)

    def _is_ready(self) -> bool:
        try:
            with urllib.request.urlopen(f"{self.url}/readyz", timeout=5) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError as error:
            error.close()
            return False
        except OSError:
            return False


def _kill_group(leader: int) -> None:
    try:
        os.killpg(leader, signal.SIGKILL)
    except ProcessLookupError:
        return


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port

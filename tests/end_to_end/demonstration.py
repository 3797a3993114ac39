"""The demonstration as newcomers start it, in a terminal of its own."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import IO

from demo.runner import CHECKOUT

STOPPED = "Stopped. Nothing of it is running any more, and its files are removed.\n"


class Demonstration:
    """One in a session of its own, as in a terminal; everything it makes is below `folder`."""

    def __init__(self, folder: Path, *arguments: str, program: str = "demo") -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", program, *arguments],
            cwd=CHECKOUT,
            env={**os.environ, "TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            text=True,
        )

    @property
    def output(self) -> IO[str]:
        assert self.process.stdout is not None
        return self.process.stdout

    def read_until(self, text: str) -> str:
        """What it says until a line that contains this."""
        read = ""
        for line in self.output:
            read += line
            if text in line:
                return read
        raise AssertionError(f"It never said {text!r}:\n{read}")

    def press_ctrl_c(self) -> None:
        """As a terminal does: the signal goes to every process in the foreground."""
        os.killpg(self.process.pid, signal.SIGINT)

    def end(self) -> None:
        """Whatever happened before."""
        self.process.terminate()
        self.process.communicate()

    def left(self) -> list[str]:
        """Commands of processes that are still there."""
        return [
            process.name
            for process in Path("/proc").glob("[0-9]*")
            if str(self.folder).encode() in _told_by(process)
        ]


def _told_by(process: Path) -> bytes:
    try:
        place = os.readlink(process / "cwd").encode()
        return (process / "environ").read_bytes() + (process / "cmdline").read_bytes() + place
    except OSError:  # it has just ended
        return b""

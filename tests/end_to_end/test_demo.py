"""The demonstration as newcomers use it: they look around, and stop it when they like."""

import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import IO

import pytest

from demo.runner import CHECKOUT
from demo.stage import wait_for

STOPPED = "Stopped. Nothing of it is running any more, and its files are removed.\n"
needs_proc = pytest.mark.skipif(
    not Path("/proc/self").exists(), reason="looks into Linux's list of processes"
)


class Demonstration:
    """One in a session of its own, as in a terminal; everything it makes is below `folder`."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.process = subprocess.Popen(
            [sys.executable, "-m", "demo", *arguments],
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


@pytest.fixture
def folder() -> Iterator[Path]:
    """Not pytest's own: there PostgreSQL's account, which root has for it, may not pass through."""
    with tempfile.TemporaryDirectory() as made:
        folder = Path(made)
        folder.chmod(0o711)
        yield folder


@pytest.fixture
def play(folder: Path) -> Iterator[Callable[..., Demonstration]]:
    """Starts one with arguments; what a failed test leaves of it is told to end."""
    with ExitStack() as stack:

        def start(*arguments: str) -> Demonstration:
            demonstration = Demonstration(folder, *arguments)
            stack.callback(demonstration.end)
            return demonstration

        yield start


@needs_proc
@pytest.mark.parametrize("moment", ["instances provision", "Its workflow runs"])
def test_ctrl_c_ends_it_quietly_and_leaves_nothing(
    play: Callable[..., Demonstration], moment: str
) -> None:
    demonstration = play()
    demonstration.read_until(moment)

    demonstration.press_ctrl_c()
    rest = demonstration.output.read()

    assert demonstration.process.wait() == 130
    assert rest.endswith(f"\n{STOPPED}")
    assert "Traceback" not in rest
    assert demonstration.left() == []
    assert list(demonstration.folder.iterdir()) == []


@needs_proc
def test_sigterm_while_it_starts_leaves_nothing(play: Callable[..., Demonstration]) -> None:
    demonstration = play()
    wait_for(lambda: list(demonstration.folder.glob("*/service.log")) or None, what="service")

    demonstration.process.terminate()

    assert demonstration.output.read() == f"\n{STOPPED}"
    assert demonstration.process.wait() == 143
    assert demonstration.left() == []
    assert list(demonstration.folder.iterdir()) == []


@needs_proc
def test_one_that_is_kept_can_be_used_as_it_says_until_ctrl_c(
    play: Callable[..., Demonstration],
) -> None:
    demonstration = play("--keep")
    said = demonstration.read_until("Ctrl-C here ends it")

    activate, settings, databases, *others = shown_commands(said)
    listed = type_into_a_shell(activate, settings, databases, *others)
    wait_for(
        lambda: "my-branch" in type_into_a_shell(activate, settings, databases) or None,
        what="database of the branch that was pushed",
    )
    demonstration.press_ctrl_c()

    assert "feature/reviews" in listed
    assert "-production\n" in listed
    assert demonstration.process.wait() == 130
    assert demonstration.output.read() == f"\n{STOPPED}"
    assert demonstration.left() == []
    assert list(demonstration.folder.iterdir()) == []


def shown_commands(said: str) -> list[str]:
    """The indented lines below "In a second terminal", as a person copies them."""
    _, _, shown = said.partition("In a second terminal:\n")
    return [line for line in shown.splitlines() if line.startswith("    ")]


def type_into_a_shell(*lines: str) -> str:
    """What these lines print, one after the other, in a new terminal; each must succeed."""
    finished = subprocess.run(
        ["sh", "-e"],
        cwd="/",
        env={"PATH": os.defpath, "HOME": "/nonexistent"},
        input="\n".join(lines),
        capture_output=True,
        text=True,
        check=False,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout

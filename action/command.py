"""Runs the user's command: in a session of its own, watched, and ended with all it started."""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from action import redact, user_command

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

TIMED_OUT = "timed-out"
# More than a report holds, so that what is stripped and hidden does not make it short.
TAIL_BYTES = 2 * redact.REPORT_BYTES
LONGEST_LINE_BYTES = 65_536
GRACE_SECONDS = 3.0
"""Between SIGTERM and SIGKILL: GitHub leaves ten in all to a cancelled job, report included."""
_DRAIN_SECONDS = 5.0
_DRAIN_KILLED_SECONDS = 1.0


@dataclass(frozen=True)
class Command:
    """What to run, and for how long at most."""

    text: str
    script: Path
    """Where the text is written to be run from: a runner makes a file of each step as well."""
    directory: Path
    environment: Mapping[str, str] = field(repr=False)
    timeout_seconds: float


@dataclass(frozen=True)
class Outcome:
    """How a command ended."""

    exit_code: int | None
    """As shells tell it (128 and the signal's number); None when stopped or not started."""
    stopped: str
    """Why it was stopped: TIMED_OUT, or what `should_stop` said; empty when it ended by itself."""
    duration_seconds: float
    tail: bytes = field(repr=False)
    is_cut: bool
    """`tail` does not start where the output did."""


def run(
    command: Command,
    *,
    relay: Callable[[bytes], None],
    should_stop: Callable[[], str],
    secrets: Sequence[str] = (),
) -> Outcome:
    """Run to the end, the timeout, or until `should_stop` gives a reason.

    `relay` gets the output as it comes, as whole lines without the last line end. Nothing of the
    command is left running, but for what hid itself in another session.
    """
    started_at = time.monotonic()
    try:
        process = _start(command)
    except (OSError, ValueError) as error:
        line = f"bash could not be started: {getattr(error, 'strerror', None) or error}".encode()
        relay(line)
        return Outcome(exit_code=None, stopped="", duration_seconds=0.0, tail=line, is_cut=False)
    output = _Output(process, relay=relay, secrets=secrets)
    stopped = _watch(process, should_stop, deadline=started_at + command.timeout_seconds)
    duration_seconds = time.monotonic() - started_at
    if not stopped:
        output.wait(_DRAIN_SECONDS)
    _end(process)
    output.wait(_DRAIN_KILLED_SECONDS)
    tail, is_cut = output.close()
    return Outcome(
        exit_code=None if stopped else _exit_code(process.returncode),
        stopped=stopped,
        duration_seconds=duration_seconds,
        tail=tail,
        is_cut=is_cut,
    )


def _start(command: Command) -> subprocess.Popen[bytes]:
    command.script.write_text(user_command.script(command.text), encoding="utf-8")
    return subprocess.Popen(
        ["bash", *user_command.BASH_OPTIONS, str(command.script)],
        cwd=command.directory,
        env=dict(command.environment),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )


def _watch(
    process: subprocess.Popen[bytes], should_stop: Callable[[], str], *, deadline: float
) -> str:
    while True:
        with suppress(subprocess.TimeoutExpired):
            process.wait(timeout=0.1)
            return ""
        reason = should_stop()
        if not reason and time.monotonic() >= deadline:
            reason = TIMED_OUT
        if reason:
            return reason


def _end(process: subprocess.Popen[bytes]) -> None:
    """End the whole group: politely, then not. Also what a finished command left behind."""
    if not _signal(process, signal.SIGTERM):
        return
    give_up_at = time.monotonic() + GRACE_SECONDS
    while time.monotonic() < give_up_at:
        process.poll()
        if not _signal(process, 0):
            return
        time.sleep(0.05)
    _signal(process, signal.SIGKILL)
    process.wait()


def _signal(process: subprocess.Popen[bytes], number: int) -> bool:
    """Signal the group; whether there was anyone left in it."""
    try:
        os.killpg(process.pid, number)
    except (ProcessLookupError, PermissionError):  # the latter on macOS, for zombies
        return False
    return True


def _exit_code(returncode: int | None) -> int | None:
    return 128 - returncode if returncode is not None and returncode < 0 else returncode


class _Output:
    """Reads a process's output in a thread: passes lines on and keeps the end."""

    def __init__(
        self,
        process: subprocess.Popen[bytes],
        *,
        relay: Callable[[bytes], None],
        secrets: Sequence[str],
    ) -> None:
        assert process.stdout is not None  # noqa: S101 (for the type checker: it is a pipe)
        self._stream = process.stdout
        self._relay = relay
        self._secrets = secrets
        self._lock = threading.Lock()
        self._closed = False
        self._tail = bytearray()
        self._is_cut = False
        self._pending = b""
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def wait(self, seconds: float) -> None:
        """Wait for the end of the output."""
        self._thread.join(seconds)

    def close(self) -> tuple[bytes, bool]:
        """Stop passing on; what a runaway process still writes is dropped."""
        with self._lock:
            if self._pending:
                self._relay(self._pending)
                self._pending = b""
            self._closed = True
            if not self._thread.is_alive():
                self._stream.close()
            return bytes(self._tail), self._is_cut

    def _read(self) -> None:
        while True:
            piece = os.read(self._stream.fileno(), 65_536)
            with self._lock:
                if not piece or self._closed:
                    return
                self._keep(piece)
                self._pass_on(piece)

    def _keep(self, piece: bytes) -> None:
        self._tail += piece
        excess = len(self._tail) - TAIL_BYTES
        if excess > 0:
            del self._tail[:excess]
            self._is_cut = True

    def _pass_on(self, piece: bytes) -> None:
        lines, end, rest = piece.rpartition(b"\n")
        if end:
            self._relay(self._pending + lines)
            self._pending = b""
        self._pending += rest
        if len(self._pending) > LONGEST_LINE_BYTES:
            text = self._pending.decode("utf-8", "surrogateescape")
            longest = max(map(len, self._secrets), default=0)
            at = redact.safe_end(text, max(len(text) - longest, 1), self._secrets)
            self._relay(text[:at].encode("utf-8", "surrogateescape"))
            self._pending = text[at:].encode("utf-8", "surrogateescape")

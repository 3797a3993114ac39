"""The process tree of `serve`: children and servers that come back when they die."""

import ctypes
import os
import select
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from types import FrameType
from typing import Protocol

import structlog

_log = structlog.get_logger(__name__)

_LONGEST_PAUSE_SECONDS = 10.0
_FIRST_PAUSE_SECONDS = 0.1
_STEADY_SECONDS = 10.0
_TICK_SECONDS = 0.5
_TELL_SECONDS = 10.0
STOP_SECONDS = 35.0
"""How long children may take to finish; a little more than what they allow themselves."""

# Loaded here and not between fork and exec, where little is safe.
_prctl = getattr(ctypes.CDLL(None), "prctl", None)  # Linux only
_PR_SET_PDEATHSIG = 1  # https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html


class Server(Protocol):
    """A PostgreSQL server of ours: a daemon that outlives whoever started it."""

    def revive(self) -> None:
        """Start it; one that needs long goes on by itself."""

    def is_running(self) -> bool: ...

    def starting(self) -> str | None:
        """How far it is, while it runs and takes no connections yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What a child runs."""

    name: str
    command: Sequence[str]
    environment: Mapping[str, str] = field(repr=False)
    inherited_fds: tuple[int, ...] = ()


class _Pauses:
    """How long to wait before starting something again: longer each time it dies young."""

    def __init__(self) -> None:
        self._next_seconds = _FIRST_PAUSE_SECONDS
        self._started_at = 0.0
        self.ready_at = 0.0

    def started(self) -> None:
        self._started_at = time.monotonic()

    def ended(self) -> None:
        now = time.monotonic()
        if now - self._started_at > _STEADY_SECONDS:
            self._next_seconds = _FIRST_PAUSE_SECONDS
        self.ready_at = now + self._next_seconds
        self._next_seconds = min(2 * self._next_seconds, _LONGEST_PAUSE_SECONDS)


class Child:
    """A child process in a session of its own, so that a terminal's Ctrl-C reaches only us."""

    def __init__(self, program: Program, *, on_restart: Callable[[str], None]) -> None:
        self.program = program
        self._on_restart = on_restart
        self._process: subprocess.Popen[bytes] | None = None
        self._pauses = _Pauses()

    def tend(self) -> None:
        """Start it if it does not run: whatever its exit code, it was not asked to end."""
        if self._process is not None and (code := self._process.poll()) is not None:
            self._process = None
            self._pauses.ended()
            _log.warning("a process ended and is started again", what=self.program.name, code=code)
            self._on_restart(self.program.name)
        if self._process is None and time.monotonic() >= self._pauses.ready_at:
            self._start()

    def _start(self) -> None:
        parent = os.getpid()

        def die_with_parent() -> None:
            if _prctl is not None:
                _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
            if os.getppid() != parent:  # it died before the call
                os._exit(1)

        self._pauses.started()
        self._process = subprocess.Popen(  # noqa: S603 - our own programs
            self.program.command,
            env=self.program.environment,
            pass_fds=self.program.inherited_fds,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,  # the person reads what `serve` says, and the log
            start_new_session=True,
            preexec_fn=die_with_parent,  # safe: this process has no threads
        )

    def is_running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def ask_to_stop(self) -> None:
        if self._process is not None and self.is_running():
            self._process.terminate()

    def kill(self) -> None:
        """End it and whatever is left of its session."""
        if self._process is None:
            return
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()


class Supervisor:
    """Keeps children and servers running until a signal says stop.

    `on_restart` is told the name of each that ended by itself.
    """

    def __init__(self, *, on_restart: Callable[[str], None] = lambda _what: None) -> None:
        self._on_restart = on_restart
        self._children: list[Child] = []
        self._find_servers: Callable[[], Sequence[tuple[str, Server]]] = tuple
        self._server_pauses: dict[str, _Pauses] = {}
        self._seen_servers: set[str] = set()
        self._up_servers: set[str] = set()
        self._tells_at: dict[str, float] = {}
        self._stops = 0
        self._wake_reader, self._wake_writer = socket.socketpair()
        for end in (self._wake_reader, self._wake_writer):
            os.set_blocking(end.fileno(), False)

    def add_child(self, program: Program) -> None:
        """Start a child now and whenever it ends."""
        child = Child(program, on_restart=self._on_restart)
        self._children.append(child)
        child.tend()

    def watch(self, find_servers: Callable[[], Sequence[tuple[str, Server]]]) -> None:
        """Start each of these servers whenever it does not run; they are looked up each time."""
        self._find_servers = find_servers

    @property
    def is_stopping(self) -> bool:
        return self._stops > 0

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Take SIGTERM and SIGINT as the wish to stop, and wake up when a child dies."""
        wakeup = signal.set_wakeup_fd(self._wake_writer.fileno(), warn_on_full_buffer=False)
        before = {
            number: signal.signal(number, handler)
            for number, handler in (
                (signal.SIGTERM, self._note_stop),
                (signal.SIGINT, self._note_stop),
                (signal.SIGCHLD, lambda _number, _frame: None),
            )
        }
        try:
            yield
        finally:
            signal.set_wakeup_fd(wakeup)
            for number, handler in before.items():
                signal.signal(number, handler)

    def run(self, *, on_tick: Callable[[], None]) -> None:
        """Tend until told to stop, then stop the children. `on_tick` is called now and then."""
        try:
            while not self.is_stopping:
                self._tend()
                on_tick()
                self._wait(_TICK_SECONDS)
        finally:
            self.stop()

    def stop(self) -> None:
        """Ask the children to end and wait for it; a second signal or too long a wait kills."""
        for child in self._children:
            child.ask_to_stop()
        deadline = time.monotonic() + STOP_SECONDS
        while any(child.is_running() for child in self._children):
            if self._stops > 1 or time.monotonic() > deadline:
                break
            self._wait(0.1)
        for child in self._children:
            child.kill()
        self._children.clear()

    def _tend(self) -> None:
        for child in self._children:
            child.tend()
        for name, server in self._find_servers():
            if server.is_running():
                self._seen_servers.add(name)
                self._tell_progress(name, server)
            else:
                self._revive(name, server)

    def _tell_progress(self, name: str, server: Server) -> None:
        if name in self._up_servers or time.monotonic() < self._tells_at.get(name, 0.0):
            return
        self._tells_at[name] = time.monotonic() + _TELL_SECONDS
        progress = server.starting()
        if progress is None:
            self._up_servers.add(name)
        else:
            _log.warning("a PostgreSQL server is not up yet", what=name, progress=progress)

    def _revive(self, name: str, server: Server) -> None:
        self._up_servers.discard(name)
        pauses = self._server_pauses.setdefault(name, _Pauses())
        if time.monotonic() < pauses.ready_at:
            return
        if name in self._seen_servers:
            _log.warning("a PostgreSQL server ended and is started again", what=name)
            self._on_restart(name)
        pauses.ended()
        try:
            server.revive()
        except Exception:  # whatever it is: the other parts go on, and it is tried again
            _log.exception("a PostgreSQL server did not start", what=name)
        else:
            pauses.started()

    def _wait(self, seconds: float) -> None:
        readable, _, _ = select.select([self._wake_reader], [], [], seconds)
        if readable:
            self._wake_reader.recv(4096)

    def _note_stop(self, _number: int, _frame: FrameType | None) -> None:
        self._stops += 1

"""Whether a server that is starting gets anywhere, and how that is told.

After a kill it replays everything since the last checkpoint: with many databases that is gigabytes,
and nobody can say how long it takes. So it is waited for as long as it works.
"""

import re
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from app.core.errors import TransientError
from app.postgres.embedded import postmaster
from app.postgres.embedded.faults import StartFailed

Tell = Callable[[str | None], None]
"""Called again and again while somebody waits; with words now and then. May raise to give up."""

IDLE_SECONDS = 300.0
"""How long nothing may move: flushing a full cache to a slow disk looks like this."""
_FIRST_WORDS_SECONDS = 3.0
_WORDS_SECONDS = 10.0
_LOOK_SECONDS = 0.25
_MEGABYTES_PER_SEGMENT = 16

_PROC = Path("/proc")
# Of a server's processes, the two that bring it up: others run beside them and wake up for nothing.
_AT_WORK = re.compile(r"postgres: (?:.*: )?(?:startup|checkpointer)(?: recovering ([0-9A-F]{24}))?")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Signs:
    """What changes while a server comes up."""

    work: tuple[str, ...]
    segment: str | None
    """The file of the log of changes that is replayed."""


def signs_of(data: Path) -> Signs | None:
    """None: no server runs here."""
    pid = postmaster.running_pid(data)
    if pid is None:
        return None
    found = list(_processes(pid))
    work = [f"{process.name} {used}" for process, _, used in found]
    with suppress(OSError):
        work.append(str((data / "global/pg_control").stat().st_mtime_ns))
    segments = [segment for _, segment, _ in found if segment]
    return Signs(work=tuple(sorted(work)), segment=segments[0] if segments else None)


def _processes(server: int) -> Iterator[tuple[Path, str | None, str]]:
    """The children that bring the server up, the file that they replay, and what they used."""
    for process in _PROC.glob("[0-9]*"):
        with suppress(OSError):
            fields = (process / "stat").read_text().rsplit(")", 1)[1].split()
            if int(fields[1]) != server:
                continue
            title = (process / "cmdline").read_bytes().decode(errors="replace").strip("\0 ")
            if match := _AT_WORK.match(title):
                yield process, match[1], f"{fields[11]} {fields[12]} {_io_of(process)}"


def _io_of(process: Path) -> str:
    try:
        return (process / "io").read_text()
    except OSError:  # it is of another account
        return ""


@dataclass(kw_only=True)
class Watch:
    """One wait for a server; `look` is called again and again."""

    data: Path
    log_file: Path
    idle_seconds: float = IDLE_SECONDS
    at_most_seconds: float | None = None
    tell: Tell | None = None
    is_logged: bool = False
    _began: float = field(default_factory=time.monotonic)
    _first_segment: str | None = None
    _last: Signs | None = None
    _moved_at: float = field(default_factory=time.monotonic)
    _looked_at: float = 0.0
    _told_at: float | None = None

    def look(self) -> None:
        """Tell how far it is, now and then.

        Raises:
            TransientError: The caller's time is over; the server goes on.
            StartFailed: Nothing has moved for long.
        """
        now = time.monotonic()
        if self.tell is not None:
            self.tell(None)
        if self.at_most_seconds is not None and now - self._began > self.at_most_seconds:
            raise TransientError("The embedded PostgreSQL is still starting.")
        if now - self._looked_at < _LOOK_SECONDS:
            return
        self._looked_at = now
        self._note(signs_of(self.data), now)
        if now - self._moved_at > self.idle_seconds:
            raise StartFailed(
                f"The embedded PostgreSQL has got no further for {self.idle_seconds:.0f} s",
                log_file=self.log_file,
                last_words=last_words(self.log_file),
            )
        pause = _FIRST_WORDS_SECONDS if self._told_at is None else _WORDS_SECONDS
        if now - (self._told_at or self._began) > pause:
            self._told_at = now
            self._say(now)

    def _note(self, signs: Signs | None, now: float) -> None:
        if signs is not None and signs != self._last:
            self._moved_at = now
            self._first_segment = self._first_segment or signs.segment
        self._last = signs

    def _say(self, now: float) -> None:
        segment = self._last.segment if self._last else None
        text = words(self._first_segment, segment, seconds=now - self._began)
        if self.is_logged:
            _log.warning("waiting for an embedded PostgreSQL", log=str(self.log_file), words=text)
        if self.tell is not None:
            self.tell(text)


def words(first: str | None, segment: str | None, *, seconds: float) -> str:
    """How far a start is, for a person."""
    if segment is None:
        return f"PostgreSQL is starting, for {seconds:.0f} s so far."
    replayed = _number(segment) - _number(first or segment)
    return (
        "PostgreSQL was not stopped in order, so it replays its last changes first:"
        f" {replayed * _MEGABYTES_PER_SEGMENT} MB in {seconds:.0f} s so far."
    )


def _number(segment: str) -> int:
    """Its place in the log: after the timeline, its last eight digits count to 256 only."""
    return int(segment[8:16], 16) * 256 + int(segment[16:], 16)


def last_words(log_file: Path, start: int = 0) -> str:
    """The last lines that were logged since the file had `start` bytes."""
    try:
        text = log_file.read_bytes()[start:].decode(errors="replace")
    except OSError:
        return ""
    return "\n".join(text.splitlines()[-15:])

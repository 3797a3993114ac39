"""The step's log: our own lines, workflow commands, and the output of commands we do not trust."""

from __future__ import annotations

import secrets
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, BinaryIO

from action import redact
from action.masking import escape_data, escape_property, forms, masks

if TYPE_CHECKING:
    from collections.abc import Iterator

    from action.errors import Problem


# The runner cuts the end off a longer one, in units of UTF-16, and the end has the cause.
# https://github.com/actions/runner/blob/main/src/Runner.Worker/ExecutionContext.cs
_LONGEST_ANNOTATION = 4096


class Console:
    """Writes whole lines, each free of the secrets that were masked before. Safe for threads."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.RLock()
        self._masked: tuple[str, ...] = ()
        self._stop_token = ""
        self._strangers = 0

    @property
    def masked(self) -> tuple[str, ...]:
        """Every text that may not show."""
        return self._masked

    def mask(self, *values: str) -> None:
        """Hide values from everything that is printed from now on, by us and by later steps."""
        with self._lock:
            for value in values:
                new = [form for form in forms(value) if form not in self._masked]
                for text in masks(value):
                    if text in new:
                        self._command("add-mask", text)
                self._masked += tuple(new)

    def say(self, text: str) -> None:
        """Print our own lines; what looks like a workflow command in them is defused."""
        for line in text.splitlines() or [""]:
            self._write(_defused(line))

    def notice(self, title: str, text: str) -> None:
        """Print an annotation that people see without opening the log."""
        self._annotate("notice", title, text)

    def warning(self, title: str, text: str) -> None:
        """Print a yellow annotation."""
        self._annotate("warning", title, text)

    def problem(self, problem: Problem, *, output: str = "") -> None:
        """Print an error annotation, with the end of a command's output, and what to change."""
        self._annotate("error", "Coppice", f"{problem.title}\n\n{output}".rstrip())
        self.say(problem.text)

    @contextmanager
    def group(self, title: str) -> Iterator[None]:
        """Fold what is printed inside."""
        self._command("group", title)
        try:
            yield
        finally:
            self._command("endgroup", "")

    @contextmanager
    def strangers(self) -> Iterator[None]:
        """Let foreign output pass without the runner obeying commands in it.

        https://docs.github.com/en/actions/reference/workflows-and-actions/workflow-commands#stopping-and-starting-workflow-commands
        """
        with self._lock:
            self._strangers += 1
            if self._strangers == 1:
                self._stop()
        try:
            yield
        finally:
            with self._lock:
                self._strangers -= 1
                if not self._strangers:
                    self._resume()

    def relay(self, lines: bytes, *, label: str = "") -> None:
        """Print lines of foreign output, each behind the label; only inside `strangers`."""
        text = lines.decode("utf-8", "surrogateescape")
        self._write(label + text.replace("\n", f"\n{label}") if label else text)

    def _annotate(self, kind: str, title: str, text: str) -> None:
        hidden = redact.hide(text, self._masked)
        self._command(f"{kind} title={escape_property(title)}", _shortened(hidden))

    def _command(self, name: str, data: str) -> None:
        with self._lock:
            stopped = bool(self._stop_token)
            if stopped:
                self._resume()
            self._raw(f"::{name}::{escape_data(data)}")
            if stopped:
                self._stop()

    def _stop(self) -> None:
        self._stop_token = secrets.token_hex(16)
        self._raw(f"::stop-commands::{self._stop_token}")

    def _resume(self) -> None:
        self._raw(f"::{self._stop_token}::")
        self._stop_token = ""

    def _write(self, line: str) -> None:
        with self._lock:
            self._raw(redact.hide(line, self._masked))

    def _raw(self, line: str) -> None:
        # When the runner is gone, the migration and its report still have to be finished.
        with suppress(OSError, ValueError), self._lock:
            self._stream.write(line.encode("utf-8", "surrogateescape") + b"\n")
            self._stream.flush()


def _shortened(text: str) -> str:
    """Cut what is too long behind its first paragraph, which says what it is about."""
    first, _, rest = text.partition("\n\n")
    room = 2 * _LONGEST_ANNOTATION - len(f"{first}\n\n".encode("utf-16-le", "surrogatepass"))
    end = rest.encode("utf-16-le", "surrogatepass")[-max(room, 0) :].decode("utf-16-le", "ignore")
    return f"{first}\n\n{end}" if rest and room > 0 else first


def _defused(line: str) -> str:
    """Break up both forms of workflow command: `::name::` at the start, `##[name]` anywhere."""
    line = line.replace("##[", "## [")
    return line.replace("::", ": :", 1) if line.lstrip().startswith("::") else line
